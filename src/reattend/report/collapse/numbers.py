"""Records become the numbers of a table: those of `variants`, and beside each score what the layers did."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from reattend.records.record import TrainingRecord
from reattend.report.collapse.measured import COSINE, RATIO, gradient, last_layer
from reattend.report.collapse.specification import CollapseSpec
from reattend.report.correlation import Correlation, correlate
from reattend.report.estimates import Compared, compare
from reattend.report.statistics import Estimate
from reattend.report.variants.numbers import Row as Scored
from reattend.report.variants.numbers import build_table as build_variants

DECIMALS = 3  # of ratio and cosine


@dataclass(frozen=True)
class Row:
    """One line of a table."""

    scored: Scored
    claimed: bool  # whether the paper's claims are about it
    ratio: Compared  # residual ratio of the last layer, at the end of training
    cosine: Compared  # token cosine, likewise
    gradient: Compared  # W_Q's gradient norm; the difference is that of logarithms

    @property
    def label(self) -> str:
        return self.scored.label

    @property
    def records(self) -> list[TrainingRecord]:
        return self.scored.records

    @property
    def differences(self) -> list[Estimate | None]:
        """Each of its comparisons with the baseline."""
        return [one.difference for one in (self.ratio, self.cosine, self.gradient)] + [self.scored.difference]

    @property
    def score(self) -> float:
        """The mean of the seeds."""
        return self.scored.score.mean


@dataclass(frozen=True)
class Table:
    """A table's numbers; the correlations are over the rows' means."""

    spec: CollapseSpec
    rows: list[Row]
    ratio_and_score: Correlation | None
    gradient_and_score: Correlation | None  # of the gradient's logarithm

    @property
    def records(self) -> list[TrainingRecord]:
        return [record for row in self.rows for record in row.records]


def build_table(spec: CollapseSpec, records: Sequence[TrainingRecord]) -> Table:
    """The table over `records`."""
    rows = [_row(spec, scored) for scored in build_variants(spec, records).rows]
    return Table(
        spec,
        rows,
        ratio_and_score=_correlate((row.ratio.own.mean, row.score) for row in rows if row.ratio.own),
        gradient_and_score=_correlate((math.log(row.gradient.own.mean), row.score) for row in rows if row.gradient.own),
    )


def _row(spec: CollapseSpec, scored: Scored) -> Row:
    records, pairs = scored.records, scored.pairs
    return Row(
        scored,
        spec.claimed(records[0]),
        ratio=compare(records, pairs, partial(last_layer, quantity=RATIO)),
        cosine=compare(records, pairs, partial(last_layer, quantity=COSINE)),
        gradient=compare(records, pairs, gradient, as_ratio=True),
    )


def _correlate(points: Iterable[tuple[float, float]]) -> Correlation | None:
    known = list(points)
    return correlate([x for x, _ in known], [y for _, y in known])
