"""Records of what came of a training, seen as seeds of that training's configuration, and tables of such records."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from reattend.records.identity import ALWAYS, dotted
from reattend.records.record import DiagnosticsRecord, TranslationRecord
from reattend.report.table import TableSpec

R = TypeVar("R", TranslationRecord, DiagnosticsRecord)


@dataclass(frozen=True)
class OfTraining(Generic[R]):
    """What tells the rows of a table apart: variants/rows.py."""

    record: R

    @property
    def name(self) -> str:
        return self.record.name

    @property
    def config(self) -> dict[str, Any]:
        return self.record.model["config"]

    @property
    def seed(self) -> int:
        return self.record.model["seed"]


@dataclass(frozen=True, kw_only=True)
class OfTrainingSpec(TableSpec):
    """Which trainings are rows; `select` can ask for their settings too: `trained.experiment: mechanisms`."""

    rows: str | list[str]  # the dotted key of the training's config whose values are the rows, or several
    baseline: str  # the row that the others are compared with

    def settings_of(self, record: TranslationRecord | DiagnosticsRecord) -> dict[str, Any]:
        trained = ALWAYS | dotted(record.model["config"])
        return dotted(record.config) | {f"trained.{key}": value for key, value in trained.items()}
