"""The lines below a table: what its numbers are, and where they come from."""

from collections.abc import Callable, Sequence

from reattend.records.record import Diagnosed, TrainingRecord
from reattend.report.collapse.measured import after_warm_up
from reattend.report.collapse.numbers import Table
from reattend.report.correlation import DRAWS
from reattend.report.provenance import origin
from reattend.report.variants.best import Best
from reattend.report.variants.claims import FEW, LEVEL, say_best, say_one_seed
from reattend.report.variants.legend import say_published
from reattend.report.variants.numbers import score_of


def legend(table: Table) -> list[str]:
    """The lines below a table."""
    spec, records = table.spec, table.records
    first = records[0]
    metric = score_of(spec, first)
    seeds = sorted({record.seed for record in records})
    lines = [
        f"Residual ratio (1: tokens as different as can be, 0: all alike) and mean cosine of pairs of tokens: of the "
        f"last layer's output, measured at {_steps(records, lambda record: record.diagnostics[-1:])}.",
        f"W_Q gradient: Frobenius norm of the loss's gradient before clipping, the geometric mean over layers and the "
        f"steps {_steps(records, after_warm_up)}, after the warm-up; as a ratio, paired by seed as logarithms.",
        f"Score: {spec.metric_words}, {metric.count:,} {first.data['unit']}s scored, {spec.evaluation}; "
        f"{spec.better} is better. ± is the standard deviation over seeds ({', '.join(map(str, seeds))}), Δ the mean "
        f"difference to {spec.baseline}, paired by seed, with its 95 % t-interval. One that spans zero (a ratio's: "
        f"one) leaves the sign open; a claim is `yes` or `the opposite` where it does not.",
        f"Correlations: of the rows' means; in brackets the 2.5th and 97.5th percent of {DRAWS:,} draws of the rows.",
        f"Runs: {origin(records)}.",
    ]
    if spec.best:
        lines.append(say_best(spec.best, [row.scored.choice for row in table.rows]))
        lines += _elsewhere(table, spec.best)
    lines += _many(table)
    lines += say_one_seed(one for row in table.rows for one in row.differences)
    without = [row.label for row in table.rows if not any(record.diagnostics for record in row.records)]
    if without:
        lines.append(f"Not measured, for want of trainer.diagnose_every: {', '.join(without)}.")
    return [*lines, *dict.fromkeys(say_published(n) for row in table.rows for n in row.scored.published), *spec.notes]


def _elsewhere(table: Table, best: Best) -> list[str]:
    """What the layers do depends on a chosen setting too, so rows that have another one are named."""
    chosen = [(row.scored, row.scored.choice.value) for row in table.rows if row.scored.choice]
    bases = [value for scored, value in chosen if scored.row == table.spec.baseline]
    others = [scored.label for scored, value in chosen if value not in bases]
    if not bases or not others:
        return []
    return [
        f"At another {best.words} than {table.spec.baseline}: {', '.join(others)}. What their layers do differs by "
        f"that too; to see the mechanism alone, `select` one {best.words}."
    ]


def _many(table: Table) -> list[str]:
    """A table of four comparisons a row invites to look for the one that stands out."""
    every = [one for row in table.rows for one in row.differences if one and one.interval]
    if len(every) <= FEW:
        return []
    outside, by_chance = sum(not one.spans_zero for one in every), LEVEL * len(every)
    return [
        f"{len(every)} intervals, {outside} of which leave out zero (a ratio's: one); if nothing differed, chance "
        f"alone would make {by_chance:.1f} of them leave it out."
    ]


def _steps(records: Sequence[TrainingRecord], chosen: Callable[[TrainingRecord], Sequence[Diagnosed]]) -> str:
    """`100, 200, 300`, or the range of many."""
    steps = sorted({one["step"] for record in records for one in chosen(record)})
    if len(steps) > 8:
        return f"{steps[0]:,} to {steps[-1]:,}"
    return ", ".join(f"{step:,}" for step in steps) or "no step"
