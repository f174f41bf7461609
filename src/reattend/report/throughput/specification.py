"""The keys of a table with the layout `throughput`."""

from dataclasses import dataclass, field

from reattend.records.bench import BenchRecord
from reattend.report.sizes.specification import one_for_each_size
from reattend.report.table import TableSpec


@dataclass(frozen=True, kw_only=True)
class Published:
    """A paper's table: by size of the state, what each column has."""

    model: str
    task: str
    source: str
    sizes: list[int]
    columns: dict[str, list[float]]  # heading -> a number for each size

    def __post_init__(self) -> None:
        one_for_each_size("published.columns", self.columns, self.sizes)


@dataclass(frozen=True, kw_only=True)
class ThroughputSpec(TableSpec):
    """Which records; each has a grid of its own."""

    kind = BenchRecord

    published: list[Published] = field(default_factory=list)
