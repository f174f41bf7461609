"""The keys of a table with the layout `variants`."""

from dataclasses import dataclass, field

from reattend.records.record import TrainingRecord
from reattend.report.table import TableSpec
from reattend.settings import SettingError

BITS = "bits_per_"  # how the metrics begin that have a perplexity


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

    rows: str | list[str]  # the dotted config key whose values are the rows, or several that name a row together
    baseline: str  # the row that the others are compared with
    metric: str  # "<split>/<what>"
    lower_is_better: bool
    decimals: int
    evaluation: str  # how the split is scored
    as_perplexity: bool = False  # bits are shown, averaged and compared as 2^bits
    published: list[Published] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.as_perplexity and not self.metric.partition("/")[2].startswith(BITS):
            expected = f"bits, such as test/{BITS}word, where as_perplexity is true"
            raise SettingError(f"table.{self.name}.metric", self.metric, expected, "Change one of the two.")

    def shown(self, value: float) -> float:
        """A value of the metric as the table shows it."""
        return 2**value if self.as_perplexity else value

    def words(self, name: str) -> str:
        """What a metric is called as it is shown: `test/bits_per_byte` -> `test bits per byte`."""
        shown = name.replace(BITS, "perplexity_per_") if self.as_perplexity else name
        return shown.replace("/", " ").replace("_", " ")

    @property
    def metric_words(self) -> str:
        """The metric as a heading."""
        return self.words(self.metric)
