"""Wider feed-forward layers: what the mechanism's parameters would do there."""

from collections.abc import Mapping
from typing import Any

from reattend.models.controls.matched import Matched
from reattend.settings import SettingError


class Wider(Matched):
    def changed(self, model: Mapping[str, Any]) -> dict[str, Any]:
        return dict(model)

    def check(
        self, model: Mapping[str, Any], attention: Mapping[str, Any], *, plain: int, wanted: int, inner: int, each: int
    ) -> None:
        if 2 * (wanted - plain) <= each:  # not one unit
            expected = (
                f"a mechanism to match with more parameters: {wanted:,} around {self.like['name']}, "
                f"{plain:,} around {attention['name']}, {each:,} for one more feed-forward unit a layer"
            )
            raise SettingError("control", self.name, expected, "Set attention=softmax, or control=none.")
