"""Controls: a model without the mechanism in question, given as many parameters as that mechanism adds in another way.

Where a mechanism brings parameters of its own, a gain may be theirs alone. An option of `control` is one module.
"""

from collections.abc import Mapping
from typing import Any

from reattend.models.controls.base import Control, Count
from reattend.settings import build

__all__ = ["Control", "Count", "build_control"]


def build_control(config: Mapping[str, Any]) -> Control:
    """The control that the `control` group of a composed config describes."""
    return build(Control, __name__, config, group="control")
