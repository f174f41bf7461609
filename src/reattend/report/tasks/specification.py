"""The keys of a table with the layout `tasks`."""

from dataclasses import dataclass, field
from typing import Any

from reattend.records.record import Record, TrainingRecord
from reattend.report.layouts.variants import Variants
from reattend.report.table import TableSpec
from reattend.report.variants.specification import VariantsSpec
from reattend.settings import SettingError


@dataclass(frozen=True, kw_only=True)
class Column:
    """One task: the records of an experiment, and the metric that they are compared by."""

    title: str
    experiment: str
    metric: str  # "<split>/<what>"
    lower_is_better: bool
    evaluation: str  # how the split is scored
    decimals: int = 4  # of the baseline's score
    chosen_by: str | None = None  # the metric that says which value of `best_of` is best


@dataclass(frozen=True, kw_only=True)
class TasksSpec(TableSpec):
    """Which rows, which tasks; a row is a mechanism and its control wherever these have the same settings."""

    kind = TrainingRecord

    select: dict[str, Any] = field(default_factory=dict)  # beside the experiments of the columns
    rows: str | list[str]  # the dotted config key whose values are the rows, or several that name a row together
    baseline: str  # the row that the others are compared with
    columns: list[Column]
    decimals: int = 2  # of a change in percent
    best_of: str | None = None  # a dotted key: rows that differ in it alone are one, at the best of its values

    def __post_init__(self) -> None:
        for what in ("title", "experiment"):
            values = [getattr(column, what) for column in self.columns]
            if not values or len(set(values)) < len(values):
                expected = f"at least one, each with a {what} of its own"
                raise SettingError(f"table.{self.name}.columns", values, expected, "Change the columns.")
        for column in self.columns:
            self.task(column)

    def task(self, column: Column) -> VariantsSpec:
        """A column as a table of its own."""
        return Variants(
            name=self.name,
            title=column.title,
            select=self.select,
            rows=self.rows,
            baseline=self.baseline,
            metric=column.metric,
            lower_is_better=column.lower_is_better,
            decimals=column.decimals,
            evaluation=column.evaluation,
            best_of=self.best_of,
            chosen_by=column.chosen_by,
        )

    def wants(self, record: Record) -> bool:
        return super().wants(record) and record.config["experiment"] in {column.experiment for column in self.columns}
