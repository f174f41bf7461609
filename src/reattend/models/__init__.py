"""Models built around an attention mechanism, one architecture a file."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from reattend.models.pretrained import load_pretrained
from reattend.settings import build

__all__ = ["MECHANISM", "build_model", "load_pretrained", "size"]

MECHANISM = ".mechanism."  # in the name of each parameter that belongs to an attention mechanism


def build_model(config: Mapping[str, Any], *, attention: Mapping[str, Any], **given: Any) -> Any:
    """The module `models/<config["architecture"]>.py` in the sizes of `config`, around the mechanism `attention` names.

    `given` is what the surroundings decide: for a decoder its vocabulary, context and seed.
    """
    return build(nn.Module, __name__, config, group="model", key="architecture", attention=attention, **given)


def size(model: nn.Module) -> int:
    """How many numbers `model` holds as parameters; one that two layers share counts once."""
    return sum(parameter.numel() for parameter in model.parameters())
