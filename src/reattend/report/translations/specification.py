"""The keys of a table with the layout `translations`."""

from dataclasses import dataclass, field
from typing import Any

from reattend.records.identity import ALWAYS, dotted
from reattend.records.record import TranslationRecord
from reattend.report.table import TableSpec
from reattend.report.variants.specification import Published


@dataclass(frozen=True, kw_only=True)
class TranslationsSpec(TableSpec):
    """Which rows; `select` can also ask for settings of the training: `trained.experiment: ui_strings`."""

    kind = TranslationRecord

    rows: str | list[str]  # the dotted key of the training's config whose values are the rows, or several
    baseline: str  # the row that the others are compared with
    decimals: int = 2
    published: list[Published] = field(default_factory=list)

    def settings_of(self, record: TranslationRecord) -> dict[str, Any]:
        trained = ALWAYS | dotted(record.model["config"])
        return dotted(record.config) | {f"trained.{key}": value for key, value in trained.items()}
