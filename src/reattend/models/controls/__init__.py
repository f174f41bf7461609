"""Controls: what else could explain a gain, made equal. An option of `control` is one module.

Where a mechanism brings parameters of its own, a gain may be theirs alone: the others give a model as many in another
way. Where its steps take longer, the time may have been spent better: equal_time trains no longer than another would.
"""

from collections.abc import Mapping
from typing import Any

from reattend.models.controls.base import Control, Count, Slowdown
from reattend.settings import build

__all__ = ["Control", "Count", "Slowdown", "build_control"]


def build_control(config: Mapping[str, Any]) -> Control:
    """The control that the `control` group of a composed config describes."""
    return build(Control, __name__, config, group="control")
