"""Records of answers become rows by policy and cells by size, or a refusal where they cannot be compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reattend.records.answers import AnswersRecord
from reattend.report.answers.measures import MEASURES, Measure
from reattend.report.answers.specification import AnswersSpec
from reattend.report.comparable import refuse_to_mix, weights
from reattend.report.sizes.rows import Line, find_lines, in_order, not_named, split, topline_of
from reattend.report.statistics import Estimate


@dataclass(frozen=True)
class Cell:
    """A policy of one size."""

    record: AnswersRecord
    base: AnswersRecord | None  # the topline; None for that itself, or without one

    def value(self, measure: Measure) -> float:
        return measure.of(self.record.parts)

    def above(self, measure: Measure) -> Estimate | None:
        """The difference to the topline."""
        return None if self.base is None else measure.compared(self.record.parts, self.base.parts)


@dataclass(frozen=True)
class Row:
    """One policy at every size that was tried; None is the size of a policy without a bound."""

    label: str
    policy: str
    config: Mapping[str, Any]  # dotted
    cells: dict[int | None, Cell]  # by size


@dataclass(frozen=True)
class Block:
    """One model on one set of questions, asked in one way."""

    label: str
    rows: list[Row]
    measures: list[Measure]  # those that these records know
    not_named: list[str]  # settings that rows leave out of their labels

    @property
    def records(self) -> list[AnswersRecord]:
        return [cell.record for row in self.rows for cell in row.cells.values()]

    @property
    def sizes(self) -> list[int | None]:
        """From the smallest on; that of policies without a bound last."""
        return in_order(size for row in self.rows for size in row.cells)

    def best(self, measure: Measure, size: int | None) -> float:
        """The best value of a size."""
        values = [row.cells[size].value(measure) for row in self.rows if size in row.cells]
        return max(values) if measure.higher else min(values)


@dataclass(frozen=True)
class Table:
    """A table's numbers."""

    spec: AnswersSpec
    blocks: list[Block]

    @property
    def records(self) -> list[AnswersRecord]:
        return [record for block in self.blocks for record in block.records]


ASPECTS = {
    "model": weights,
    "file of questions": lambda record: record.data["sha256"],
    "questions": lambda record: f"{len(record.parts)} of {len({part['document'] for part in record.parts})} documents",
    "ids of questions": lambda record: [part["question"] for part in record.parts],
    "references scored": lambda record: sum(len(part["tokens"]) for part in record.parts),
}
REMEDY = "rerun one of them with another results_dir or delete its file"


def build_table(spec: AnswersSpec, records: Iterable[AnswersRecord]) -> Table:
    """The table over `records`."""
    blocks = []
    for label, members in split(spec, records).items():
        refuse_to_mix(members, ASPECTS, table=spec.name, remedy=REMEDY)
        lines = find_lines(spec, members)
        rows = [_row(line, topline_of(spec, line, lines)) for line in lines]
        measures = [m for m in map(MEASURES.__getitem__, spec.measures) if m.known(members[0].parts)]
        blocks.append(Block(label, rows, measures, not_named(lines)))
    return Table(spec, blocks)


def _row(line: Line[AnswersRecord], base: AnswersRecord | None) -> Row:
    cells = {size: Cell(record, None if record is base else base) for size, record in line.sizes.items()}
    return Row(line.label, line.policy, line.config, cells)
