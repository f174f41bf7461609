"""The lines below a table: without them its numbers could not be compared with anybody's."""

from collections.abc import Iterable, Mapping
from typing import Any

from reattend.records.record import TrainingRecord
from reattend.report.provenance import commit, machine, unique
from reattend.report.variants.numbers import Table, score_of
from reattend.report.variants.specification import Published, VariantsSpec


def legend(table: Table) -> list[str]:
    """The lines below a table."""
    spec, first = table.spec, table.records[0]
    metric = score_of(spec, first)
    split = spec.metric.partition("/")[0]
    direction = "lower" if spec.lower_is_better else "higher"
    lines = [
        f"Score: {_spelt(spec, metric.unit)} on the {split} split of {first.data['name']}, {metric.count:,} "
        f"{_counted(first, split, metric.count)}s scored, {spec.evaluation}{_context(first)}; {direction} is better.",
        f"Runs: {_seeds(table)}{_length(table.records)}; {unique(map(machine, table.records))}; "
        f"{unique(map(commit, table.records))}.",
        f"± is the standard deviation over seeds. Δ is the mean difference to {spec.baseline}, paired by seed"
        f"{_interval(table)}.",
        f"Time is that of training and memory the peak ({unique(r.memory['what'] for r in table.records)}), "
        f"relative to {spec.baseline} with the same seed; the median over seeds.",
    ]
    lines += [f"Not {first.data['name']} as published: {other}." for other in [_mismatch(first)] if other]
    if any(row.difference and row.difference.interval is None for row in table.rows):
        lines.append("One seed does not show what chance does: train with seed=1,2,3 for an interval.")
    return [*lines, *dict.fromkeys(say_published(n) for row in table.rows for n in row.published), *spec.notes]


def _spelt(spec: VariantsSpec, unit: str) -> str:
    """`bits per byte`; of a perplexity how it is made, of a score with a signature what it is."""
    words = spec.words(spec.metric.partition("/")[2])
    how = f"2 to the {unit} of each seed" if spec.as_perplexity else unit
    return unit if words == unit else f"{words} ({how})"


def _counted(record: TrainingRecord, split: str, count: int) -> str:
    """What a score counts: tokens, or the sentences of a split that has pairs of them."""
    kept: Mapping[str, Any] = record.data["splits"].get(split) or {}
    return "sentence" if count == kept.get("pairs") else record.data["unit"]


def _mismatch(record: TrainingRecord) -> str | None:
    """How the text differs from the one that others have."""
    kept: Mapping[str, Any] = record.data
    return kept.get("mismatch")


def _context(record: TrainingRecord) -> str:
    context = record.config["data"].get("context")
    return "" if context is None else f", context {context}"


def say_published(number: Published) -> str:
    """A paper's number in words."""
    return (
        f"Published Δ of {number.row}: {number.value:+g} {number.unit} on {number.task} ({number.support}; "
        f"{number.source}). Shown beside ours, not comparable with it."
    )


def _interval(table: Table) -> str:
    known = any(row.difference and row.difference.interval for row in table.rows)
    return ", with its 95 % t-interval; one that spans zero leaves the sign open" if known else ""


def _seeds(table: Table) -> str:
    seeds = sorted({record.seed for record in table.records})
    return f"seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}"


def _length(records: Iterable[TrainingRecord]) -> str:
    lengths = {(point["step"], point["tokens"]) for record in records for point in record.curve[-1:]}
    if len(lengths) != 1:
        return ""
    ((steps, tokens),) = lengths
    return f", {steps:,} steps on {tokens:,} tokens"
