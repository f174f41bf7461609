"""As many parameters as the same model around another mechanism, by the width of the feed-forward layers.

With f the width inside the feed-forward layers, the model around its own attention has a + b f parameters: each of
its L layers spends 2 width + 1 on one more (2 width without biases). So b is the difference of any two widths, and

    f' = round((N - a) / b),    N = parameters around `like`, with the model as described

which misses N by b / 2 at most: 0.06 % of `model=small`. The layers stay equally wide, as no single one is favoured.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from reattend.models.controls.base import Control, Count
from reattend.settings import SettingError

MAY_MISS = 0.002  # of the parameters to match


class Matched(Control):
    """`like`: the mechanism to match, as in the group `attention`."""

    def __init__(self, *, like: dict[str, Any]) -> None:
        self.like = like

    @abstractmethod
    def changed(self, model: Mapping[str, Any]) -> dict[str, Any]:
        """What the control changes before the feed-forward layers make up for it."""

    def sizes(self, model: Mapping[str, Any], *, attention: Mapping[str, Any], count: Count) -> dict[str, Any]:
        if "feed_forward" not in model:
            expected = f"a model whose feed-forward layers can change, which those of {model['name']} cannot"
            raise SettingError("control", self.name, expected, "Set control=none.")
        plain = count(model, attention)  # a model that is faulty by itself is told as such
        start, wanted = self.changed(model), self._wanted(model, count)
        one, two = (count({**start, "feed_forward": inner}, attention) for inner in (1, 2))
        each = two - one
        inner = 1 + round((wanted - one) / each)
        self.check(model, attention, plain=plain, wanted=wanted, inner=inner, each=each)
        missed = abs(one + (inner - 1) * each - wanted)
        if inner < 1 or missed > MAY_MISS * wanted:
            expected = (
                f"a model whose feed-forward layers come within {MAY_MISS:.1%} of {wanted:,} parameters; "
                f"{inner} units a layer miss them by {missed:,}"
            )
            raise SettingError("control", self.name, expected, "Choose a larger model, or control=none.")
        return {**start, "feed_forward": inner}

    def check(
        self, model: Mapping[str, Any], attention: Mapping[str, Any], *, plain: int, wanted: int, inner: int, each: int
    ) -> None:
        """Refuse a width that this control does not mean; `plain` are the parameters of the model without it."""

    @property
    def name(self) -> str:
        """File name = option name."""
        return type(self).__module__.rpartition(".")[2]

    def _wanted(self, model: Mapping[str, Any], count: Count) -> int:
        try:
            return count(model, self.like)
        except SettingError as error:
            expected = f"a mechanism that fits the model ({error})"
            raise SettingError("control.like", self.like["name"], expected, "Change control.like.") from None
