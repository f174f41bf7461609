"""Equal time: as many steps as take the time in which the same model around `like` would be trained.

    steps = round(trainer.max_steps / slowdown),    slowdown = time of a step / time of a step around `like`

The schedule ends with these steps, so the learning rate falls as far as in any other run; warm-up stays as it is. The
model is the described one. A slowdown that is measured differs a little from run to run; a given one repeats exactly.
"""

from collections.abc import Mapping
from typing import Any

from reattend.models.controls.base import Control, Count, Slowdown
from reattend.settings import SettingError


class EqualTime(Control):
    """`like`: the mechanism whose time is kept, as in the group `attention`."""

    def __init__(self, *, like: dict[str, Any], slowdown: float | None = None) -> None:
        if slowdown is not None and slowdown <= 0:
            expected = "a positive number: how many times as long a step takes"
            raise SettingError("control.slowdown", slowdown, expected, "Set control.slowdown=null to measure it.")
        self.like, self.slowdown = like, slowdown

    def sizes(self, model: Mapping[str, Any], *, attention: Mapping[str, Any], count: Count) -> dict[str, Any]:
        return dict(model)

    def steps(self, wanted: int, *, slowdown: Slowdown) -> int:
        return max(1, round(wanted / (self.slowdown or slowdown(self.like))))
