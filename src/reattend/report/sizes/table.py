"""Evaluations become the numbers of a table, or a refusal where they cannot be compared."""

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reattend.records.record import EvaluationRecord
from reattend.report.sizes.cells import Cell, log_ratio, refuse_to_mix
from reattend.report.sizes.rows import Line, find_lines, not_named, split, topline_of
from reattend.report.sizes.specification import SizesSpec


@dataclass(frozen=True)
class Row:
    """One policy at every size that was tried; None is the size of a policy without a bound."""

    label: str
    policy: str
    config: Mapping[str, Any]  # dotted
    cells: dict[int | None, Cell]  # by size

    @property
    def tokens_per_second(self) -> float:
        """The mean over its sizes."""
        return statistics.fmean(cell.record.timing["tokens_per_second"] for cell in self.cells.values())


@dataclass(frozen=True)
class Block:
    """One model on one text; all of its cells scored the same chunks."""

    label: str
    rows: list[Row]
    not_named: list[str]  # settings that rows leave out of their labels

    @property
    def cells(self) -> list[Cell]:
        return [cell for row in self.rows for cell in row.cells.values()]

    @property
    def sizes(self) -> list[int]:
        return sorted({size for row in self.rows for size in row.cells if size is not None})

    @property
    def context(self) -> int:
        """Tokens of the longest chunk: the most a policy without a bound can keep."""
        return max(part["tokens"] for part in self.cells[0].record.parts) + 1

    def best(self, size: int | None) -> float:
        """The lowest perplexity of a size."""
        return min(row.cells[size].perplexity for row in self.rows if size in row.cells)


@dataclass(frozen=True)
class Table:
    """A table's numbers."""

    spec: SizesSpec
    blocks: list[Block]

    @property
    def records(self) -> list[EvaluationRecord]:
        return [cell.record for block in self.blocks for cell in block.cells]


def build_table(spec: SizesSpec, records: Iterable[EvaluationRecord]) -> Table:
    """The table over `records`."""
    blocks = []
    for label, members in split(spec, records).items():
        refuse_to_mix(spec.name, members)
        lines = find_lines(spec, members)
        rows = [_row(line, topline_of(spec, line, lines)) for line in lines]
        blocks.append(Block(label, rows, not_named(lines)))
    return Table(spec, blocks)


def _row(line: Line[EvaluationRecord], base: EvaluationRecord | None) -> Row:
    above = {size: log_ratio(record, base) for size, record in line.sizes.items() if base and record is not base}
    cells = {size: Cell(record, above.get(size)) for size, record in line.sizes.items()}
    return Row(line.label, line.policy, line.config, cells)
