"""The keys of a table with the layout `layers`."""

from dataclasses import dataclass

from reattend.records.record import DiagnosticsRecord
from reattend.report.of_training import OfTrainingSpec
from reattend.report.variants.best import Best
from reattend.settings import SettingError

CHOSEN_BY = "trained/nats_per_token"  # the one score that a record has
MOST = 6  # lines of a panel, initial and trained each, that can still be told apart


@dataclass(frozen=True, kw_only=True)
class LayersSpec(OfTrainingSpec):
    """Which rows, and which of them the picture has."""

    kind = DiagnosticsRecord

    best_of: str | None = None  # a dotted key of the training: rows that differ in it alone are one, at the best value
    drawn: list[str]  # the rows of the picture; the table has all

    def __post_init__(self) -> None:
        if not 0 < len(self.drawn) <= MOST:
            names, fix = f"[{', '.join(map(str, self.drawn))}]", "Name fewer; the table has all rows anyway."
            raise SettingError(f"table.{self.name}.drawn", names, f"one to {MOST} rows", fix)

    @property
    def best(self) -> Best | None:
        """Trained models are chosen by what they make of the blocks that are measured."""
        return None if self.best_of is None else Best(self.name, self.best_of, CHOSEN_BY, lower_is_better=True)
