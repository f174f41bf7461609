"""Evaluations of long streams become lines: the perplexity of all tokens so far, over all texts together."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from reattend.records.identity import ALWAYS
from reattend.records.record import EvaluationRecord, Part, RecordError
from reattend.report.extrapolation.specification import ExtrapolationSpec
from reattend.report.sizes.cells import log_ratio, refuse_to_mix
from reattend.report.sizes.rows import find_lines, model_of, split
from reattend.report.statistics import Estimate

POSITIONS = "positions.name"


@dataclass(frozen=True)
class Row:
    """One policy at its positions."""

    label: str
    policy: str
    positions: str
    config: Mapping[str, Any]  # dotted
    record: EvaluationRecord

    @cached_property
    def points(self) -> list[tuple[int, float]]:
        """Tokens of a text so far, as far as all texts go, and the perplexity of all of these tokens."""
        courses = [_course(self.record, part) for part in self.record.parts]
        lengths = [part["tokens"] for part in self.record.parts]
        every, shortest = courses[0]["every"], min(lengths)
        ends = list(range(every, shortest + 1, every))
        if shortest % every and shortest == max(lengths):  # else the next sum is of different numbers of tokens
            ends.append(shortest)
        sums = itertools.accumulate(math.fsum(course["nats"][i] for course in courses) for i in range(len(ends)))
        return [(end, math.exp(total / (end * len(courses)))) for end, total in zip(ends, sums, strict=True)]

    def so_far(self, tokens: int) -> float | None:
        """The perplexity after so many tokens, or at the last point before; None where the texts are shorter."""
        if tokens > self.points[-1][0]:
            return None
        return next((perplexity for end, perplexity in reversed(self.points) if end <= tokens), None)

    def pace(self, *, last: bool) -> float:
        """Tokens a second in the first or the last tenth of the texts."""
        tokens, seconds = 0, 0.0
        for part in self.record.parts:
            course = _course(self.record, part)
            tenth = max(1, len(course["nats"]) // 10)
            among = slice(-tenth - 1, -1) if last else slice(0, tenth)  # the last sum may be of few tokens
            tokens += course["every"] * tenth
            seconds += math.fsum(course["seconds"][among])
        return tokens / seconds


@dataclass(frozen=True)
class Block:
    """One model on the same texts."""

    label: str
    rows: list[Row]
    baseline: Row | None

    @property
    def model(self) -> str:
        return model_of(self.rows[0].record)

    def above(self, row: Row) -> Estimate | None:
        """The log of its perplexity's ratio to the baseline's, with an interval over texts."""
        if self.baseline is None or row is self.baseline:
            return None
        return log_ratio(row.record, self.baseline.record)


@dataclass(frozen=True)
class Table:
    """A table's numbers."""

    spec: ExtrapolationSpec
    blocks: list[Block]

    @property
    def records(self) -> list[EvaluationRecord]:
        return [row.record for block in self.blocks for row in block.rows]


def build_table(spec: ExtrapolationSpec, records: Iterable[EvaluationRecord]) -> Table:
    """The table over `records`."""
    blocks = []
    for label, members in split(spec, records).items():
        refuse_to_mix(spec.name, members)
        rows = _rows(spec, members)
        baseline = next((row for row in rows if spec.baseline.items() <= row.config.items()), None)
        blocks.append(Block(label, rows, baseline))
    return Table(spec, blocks)


def _rows(spec: ExtrapolationSpec, records: Sequence[EvaluationRecord]) -> list[Row]:
    lines = find_lines(spec, records)
    several = len({size for line in lines for size in line.sizes}) > 1
    rows = []
    for line in lines:
        config = {POSITIONS: ALWAYS[POSITIONS]} | line.config
        positions = str(config[POSITIONS])
        words = [word for word in line.label.split() if not word.startswith(f"{POSITIONS}=")]
        for size, record in line.sizes.items():
            sized = [f"size={size}"] if several and size is not None else []
            label = " ".join([words[0], positions, *words[1:], *sized])
            rows.append(Row(label, line.policy, positions, config, record))
    return rows


def _course(record: EvaluationRecord, part: Part) -> Any:
    course: Any = part.get("course")
    if course is None:
        problem = f"the chunk from {part['start']:,} of {part['document']!r} was too short for its course to be kept"
        raise RecordError(record.name, problem, "Evaluate longer streams: task.context=null max_tokens=70000")
    return course
