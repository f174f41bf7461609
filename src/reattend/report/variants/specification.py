"""The keys of a table with the layout `variants`."""

from dataclasses import dataclass, field

from reattend.records.record import TrainingRecord
from reattend.report.scores import BITS
from reattend.report.table import TableSpec
from reattend.report.variants.best import Best, best_of
from reattend.settings import SettingError

# what a table shows beside its rows' names unless `columns` says otherwise; columns.py has them all
USUAL = ("score", "difference", "parameters", "speed", "time", "memory", "published")


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
    columns: list[str] = field(default_factory=lambda: [*USUAL])
    best_of: str | None = None  # a dotted key: rows that differ in it alone are one, at the best of its values
    chosen_by: str | None = None  # the metric that says which is best, of another split than `metric`
    costs: str | None = None  # the selected experiment whose runs time and memory are of, and nothing else; None: all

    def __post_init__(self) -> None:
        assert self.best or self.best_of is None
        if self.as_perplexity and not self.metric.partition("/")[2].startswith(BITS):
            expected = f"bits, such as test/{BITS}word, where as_perplexity is true"
            raise SettingError(f"table.{self.name}.metric", self.metric, expected, "Change one of the two.")

    @property
    def best(self) -> Best | None:
        """What the rows' values of `best_of` are chosen by."""
        return best_of(
            self.name, of=self.best_of, by=self.chosen_by, metric=self.metric, lower_is_better=self.lower_is_better
        )

    def times(self, record: TrainingRecord) -> bool:
        """Whether a run was made for its costs alone: its score counts nowhere."""
        return self.costs is not None and record.config["experiment"] == self.costs

    @property
    def better(self) -> str:
        """`lower` or `higher`."""
        return "lower" if self.lower_is_better else "higher"

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
