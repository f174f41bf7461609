"""No control: the model as it is described."""

from collections.abc import Mapping
from typing import Any

from reattend.models.controls.base import Control, Count


class Uncontrolled(Control):
    def sizes(self, model: Mapping[str, Any], *, attention: Mapping[str, Any], count: Count) -> dict[str, Any]:
        return dict(model)
