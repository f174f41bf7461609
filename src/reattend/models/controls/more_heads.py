"""Twice the heads, each half as wide: as many attention maps as a mechanism with two branches has.

The feed-forward layers take up the parameters that the mechanism to match adds.
"""

from collections.abc import Mapping
from typing import Any

from reattend.models.controls.matched import Matched
from reattend.settings import SettingError


class MoreHeads(Matched):
    def changed(self, model: Mapping[str, Any]) -> dict[str, Any]:
        heads = 2 * model["heads"]
        if model["width"] % heads:
            expected = f"twice as many heads as model.heads={model['heads']} to divide model.width={model['width']}"
            raise SettingError("control", self.name, expected, "Change the model, or control=none.")
        return {**model, "heads": heads}
