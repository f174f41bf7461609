"""Retention records become the numbers of a table, or a refusal where they cannot be compared."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reattend.records.identity import dotted
from reattend.records.retention import RetentionRecord
from reattend.report.comparable import refuse_to_mix, weights
from reattend.report.correlation import Correlation, correlate
from reattend.report.retention.cells import Cell
from reattend.report.retention.specification import PublishedTags, RetentionSpec
from reattend.report.sizes.rows import Line, find_lines, not_named, split


@dataclass(frozen=True)
class Row:
    """One policy at every size that was tried."""

    label: str
    config: Mapping[str, Any]  # dotted, without the size
    cells: dict[int, Cell]


@dataclass(frozen=True)
class Block:
    """One model on one text; all of its cells read the same chunks."""

    label: str
    rows: list[Row]
    not_named: list[str]

    @property
    def cells(self) -> list[tuple[Row, Cell]]:
        return [(row, cell) for row in self.rows for cell in row.cells.values()]


@dataclass(frozen=True)
class Table:
    """A table's numbers."""

    spec: RetentionSpec
    blocks: list[Block]

    @property
    def records(self) -> list[RetentionRecord]:
        return [cell.record for block in self.blocks for _, cell in block.cells]

    def tagged(self, block: Block) -> list[Row]:
        """The rows that are listed by part of speech."""
        wanted = self.spec.tagged.items()
        return [row for row in block.rows if wanted <= row.config.items() and _first(row).tokens_of]

    def mapped(self, block: Block) -> tuple[Row, Cell]:
        """The run whose maps are drawn: the first that has the settings wanted, else one listed by part of speech."""
        wanted = self.spec.mapped.items()
        fit = [pair for pair in block.cells if wanted <= dotted(pair[1].record.config).items()]
        listed = [(row, cell) for row in self.tagged(block) for cell in row.cells.values()]
        return (fit or listed or block.cells)[0]


def build_table(spec: RetentionSpec, records: Iterable[RetentionRecord]) -> Table:
    """The table over `records`."""
    blocks = []
    for label, members in split(spec, records).items():
        refuse_to_mix(members, ASPECTS, table=spec.name, remedy="rerun one of them with another results_dir")
        lines = find_lines(spec, members)
        blocks.append(Block(label, [_row(line) for line in lines], not_named(lines)))
    return Table(spec, blocks)


def _row(line: Line[RetentionRecord]) -> Row:
    cells = {size: Cell(record, size) for size, record in line.sizes.items() if size is not None}
    return Row(line.label, line.config, cells)


ASPECTS: dict[str, Callable[[RetentionRecord], object]] = {
    "model": weights,
    "documents": lambda record: [text["sha256"] for text in record.data["documents"]],
    "chunks": lambda record: [(part["document"], part["start"], part["read"]) for part in record.parts],
    "tagger": lambda record: record.tagger,
}


def agreement(row: Row, paper: PublishedTags, size: int, *, fewest: int) -> Correlation | None:
    """How ours and the paper's parts of speech go together at one size."""
    cell = row.cells[size]
    both = [tag for tag in paper.rows if cell.tokens_of.get(tag, 0) >= fewest]
    at = paper.sizes.index(size)
    ours = [found.mean for tag in both if (found := cell.tag(tag))]
    return correlate(ours, [paper.rows[tag][at] for tag in both])


def _first(row: Row) -> Cell:
    return next(iter(row.cells.values()))
