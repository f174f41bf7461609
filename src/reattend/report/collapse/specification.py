"""The keys of a table with the layout `collapse`."""

from dataclasses import dataclass
from typing import Any

from reattend.records.record import TrainingRecord
from reattend.report.variants.specification import USUAL, VariantsSpec
from reattend.settings import SettingError


@dataclass(frozen=True, kw_only=True)
class CollapseSpec(VariantsSpec):
    """Those of `variants` but for `columns`, and the row that the claims are about."""

    claim: dict[str, Any]  # dotted config key -> value: the rows with these settings are what the paper speaks of

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.columns != [*USUAL]:
            expected = "nothing: the columns of this layout are fixed"
            raise SettingError(f"table.{self.name}.columns", self.columns, expected, "Leave it out.")

    def claimed(self, record: TrainingRecord) -> bool:
        """Whether it has the settings of `claim`."""
        return self.claim.items() <= self.settings_of(record).items()
