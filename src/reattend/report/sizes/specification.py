"""The keys of a table with the layout `sizes`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reattend.records.record import EvaluationRecord
from reattend.report.table import TableSpec
from reattend.settings import SettingError


@dataclass(frozen=True, kw_only=True)
class PublishedSizes:
    """A paper's table, shown below ours with our names for its rows and never mixed with it."""

    model: str
    task: str
    source: str
    sizes: list[int]
    full: float  # perplexity without a bound
    rows: dict[str, list[float]]  # perplexity at each size
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        one_for_each_size("published.rows", self.rows, self.sizes)


def one_for_each_size(setting: str, given: Mapping[str, Sequence[float]], sizes: Sequence[int]) -> None:
    """A SettingError for the first of a paper's rows or columns that has more numbers than `sizes`, or fewer."""
    for name, values in given.items():
        if len(values) != len(sizes):
            expected = f"{len(sizes)} numbers, one for each of sizes"
            raise SettingError(f"{setting}.{name}", values, expected, "Add what is missing.")


@dataclass(frozen=True, kw_only=True)
class BySize(TableSpec):
    """Policies as rows, sizes of the state as columns."""

    blocks: list[str]  # keys or groups whose settings are not compared: each combination has grids of its own
    order: list[str] = field(default_factory=list)  # policies from top to bottom; others follow by name

    def __post_init__(self) -> None:
        if "lm" not in self.blocks:
            expected = "a list with lm: tokens of two models are not the same unit"
            raise SettingError(f"table.{self.name}.blocks", self.blocks, expected, "Add lm.")

    def place(self, policy: str) -> int:
        """The lower, the nearer to the top."""
        return self.order.index(policy) if policy in self.order else len(self.order)


@dataclass(frozen=True, kw_only=True)
class WithTopline(BySize):
    """One policy keeps everything, and all others are compared with it."""

    topline: str  # the policy without a bound that the others are compared with

    def place(self, policy: str) -> int:
        return -1 if policy == self.topline else super().place(policy)


@dataclass(frozen=True, kw_only=True)
class SizesSpec(WithTopline):
    """What is compared with what."""

    kind = EvaluationRecord

    claim: dict[str, Any] = field(default_factory=dict)  # dotted settings of the rows whose standing is put in words
    decimals: int = 2
    evaluation: str  # how a chunk is scored
    published: list[PublishedSizes] = field(default_factory=list)
