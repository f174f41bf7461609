"""Wider feed-forward layers, until the model has as many parameters as the same model around another mechanism.

With f the width inside the feed-forward layers, the model around its own attention has a + b f parameters: each of
its L layers spends 2 width + 1 on one more (2 width without biases). So b is the difference of any two widths, and

    f' = round((N - a) / b),    N = parameters around `like`, with the feed-forward width as described

which misses N by b / 2 at most: 0.06 % of `model=small`. The layers stay equally wide, as no single one is favoured.
"""

from collections.abc import Mapping
from typing import Any

from reattend.models.controls.base import Control, Count
from reattend.settings import SettingError

MAY_MISS = 0.002  # of the parameters to match


class Wider(Control):
    """`like`: the mechanism to match, as in the group `attention`."""

    def __init__(self, *, like: dict[str, Any]) -> None:
        self.like = like

    def sizes(self, model: Mapping[str, Any], *, attention: Mapping[str, Any], count: Count) -> dict[str, Any]:
        plain = count(model, attention)
        one, two = (count({**model, "feed_forward": inner}, attention) for inner in (1, 2))
        each = two - one
        wanted = self._wanted(model, count)
        inner = 1 + round((wanted - one) / each)
        now = 1 + (plain - one) // each
        if inner <= now:
            expected = (
                f"a mechanism to match with more parameters: {wanted:,} around {self.like['name']}, "
                f"{plain:,} around {attention['name']}, {each:,} for one more feed-forward unit a layer"
            )
            raise SettingError("control", "wider", expected, "Set attention=softmax, or control=none.")
        missed = abs(one + (inner - 1) * each - wanted)
        if missed > MAY_MISS * wanted:
            expected = (
                f"a model whose feed-forward layers come within {MAY_MISS:.1%} of {wanted:,} parameters; "
                f"{inner} units a layer miss them by {missed:,}"
            )
            raise SettingError("control", "wider", expected, "Choose a larger model, or control=none.")
        return {**model, "feed_forward": inner}

    def _wanted(self, model: Mapping[str, Any], count: Count) -> int:
        try:
            return count(model, self.like)
        except SettingError as error:
            expected = f"a mechanism that fits the model ({error})"
            raise SettingError("control.like", self.like["name"], expected, "Change control.like.") from None
