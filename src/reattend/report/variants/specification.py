"""The keys of a table with the layout `variants`."""

from dataclasses import dataclass, field

from reattend.records.record import TrainingRecord
from reattend.report.table import TableSpec


@dataclass(frozen=True, kw_only=True)
class Published:
    """A number from the paper, shown beside ours and never mixed with it."""

    row: str
    text: str  # as the cell shows it
    value: float  # the row's difference to the baseline, in `unit`
    unit: str
    task: str
    support: str  # how well the number is supported
    source: str


@dataclass(frozen=True, kw_only=True)
class VariantsSpec(TableSpec):
    """Which rows, which metric."""

    kind = TrainingRecord

    rows: str  # the dotted config key whose values are the rows
    baseline: str  # the row that the others are compared with
    metric: str  # "<split>/<what>"
    lower_is_better: bool
    decimals: int
    evaluation: str  # how the split is scored
    published: list[Published] = field(default_factory=list)

    @property
    def metric_words(self) -> str:
        """The metric as a heading: `test/bits_per_byte` -> `test bits per byte`."""
        return self.metric.replace("/", " ").replace("_", " ")
