"""One more layer, in each stack of an encoder-decoder, with narrower feed-forward layers in all of them."""

from collections.abc import Mapping
from typing import Any

from reattend.models.controls.matched import Matched

STACKS = ("layers", "encoder_layers", "decoder_layers")


class Deeper(Matched):
    def changed(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value + 1 if key in STACKS else value for key, value in model.items()}
