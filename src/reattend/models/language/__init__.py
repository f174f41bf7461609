"""Language models to evaluate, whatever they come from: `lm.loader` names the module that gets them."""

from collections.abc import Mapping
from typing import Any

from reattend.models.language.base import LanguageModel, Loader
from reattend.settings import build

__all__ = ["LanguageModel", "Loader", "build_lm"]


def build_lm(config: Mapping[str, Any]) -> Loader:
    """What loads the model that the `lm` group of a composed config describes; reads no file yet."""
    return build(Loader, __name__, config, group="lm", key="loader")
