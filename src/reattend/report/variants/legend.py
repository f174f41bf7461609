"""The lines below a table: without them its numbers could not be compared with anybody's."""

from collections.abc import Iterable, Mapping
from typing import Any

from reattend.records.record import TrainingRecord
from reattend.report.provenance import origin, unique
from reattend.report.variants.claims import say_best, say_many, say_one_seed, say_seeds
from reattend.report.variants.numbers import Table, score_of
from reattend.report.variants.specification import Published, VariantsSpec


def legend(table: Table) -> list[str]:
    """The lines below a table."""
    spec, first = table.spec, table.records[0]
    lines = [
        f"Score: {say_score(spec, first)}",
        f"Runs: {say_runs(table)}",
        f"± is the standard deviation over seeds. Δ is the mean difference to {spec.baseline}, paired by seed"
        f"{_interval(table)}.",
    ]
    lines += say_costs(table)
    if spec.best:
        lines.append(say_best(spec.best, [row.choice for row in table.rows]))
    lines += say_many({row.label: row.difference for row in table.rows})
    lines += say_mismatch(first)
    lines += say_one_seed(row.difference for row in table.rows)
    return [*lines, *dict.fromkeys(say_published(n) for row in table.rows for n in row.published), *spec.notes]


def say_costs(table: Table) -> list[str]:
    """What time and memory are, of what runs; nothing where none was timed, as such a table has no columns of them."""
    if not table.has_costs:
        return []
    spec, lines = table.spec, []
    timed = table.timed if spec.costs else table.records
    peak = f"the peak ({unique(record.memory['what'] for record in timed)})"
    if {"time", "memory"} & {*spec.columns}:
        lines.append(
            f"Time is that of training and memory {peak}, relative to {spec.baseline} with the same seed; the median "
            "over seeds."
        )
    words = {
        "step_time": f"ms/step is the time of a step in the quickest stretch between two validations, × relative to "
        f"{spec.baseline}",
        "peak_memory": f"MiB is {peak} of memory, the median over seeds",
    }
    lines += [f"{words[column]}." for column in words if column in spec.columns]
    if spec.costs:
        counts = unique(str(row.costs.runs) for row in table.rows if row.costs)
        lines.append(f"Costs: of {counts} runs a row that did nothing else, experiment={spec.costs}; {origin(timed)}.")
    return lines


def say_score(spec: VariantsSpec, record: TrainingRecord) -> str:
    """What was scored, and how."""
    metric, split = score_of(spec, record), spec.metric.partition("/")[0]
    return (
        f"{_spelt(spec, metric.unit)} on the {split} split of {record.data['name']}, {metric.count:,} "
        f"{_counted(record, split, metric.count)}s scored, {spec.evaluation}{_context(record)}; "
        f"{spec.better} is better."
    )


def say_runs(table: Table) -> str:
    """Of what seeds and length the runs are, and where they ran."""
    return f"{say_seeds(record.seed for record in table.records)}{_length(table)}; {origin(table.records)}."


def _spelt(spec: VariantsSpec, unit: str) -> str:
    """`bits per byte`; of a perplexity how it is made, of a score with a signature what it is."""
    words = spec.words(spec.metric.partition("/")[2])
    how = f"2 to the {unit} of each seed" if spec.as_perplexity else unit
    return unit if words == unit else f"{words} ({how})"


def _counted(record: TrainingRecord, split: str, count: int) -> str:
    """What a score counts: tokens, or the sentences of a split that has pairs of them."""
    kept: Mapping[str, Any] = record.data["splits"].get(split) or {}
    return "sentence" if count == kept.get("pairs") else record.data["unit"]


def say_mismatch(record: TrainingRecord) -> list[str]:
    """How the text differs from the one that others have, if it does."""
    kept: Mapping[str, Any] = record.data
    return [f"Not {record.data['name']} as published: {kept['mismatch']}."] if kept.get("mismatch") else []


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


def _length(table: Table) -> str:
    """Steps and tokens, of the rows that have others by name.

    Nothing where only tokens differ: pairs of sentences are not equally long at every seed.
    """
    ends = [point for record in table.records for point in record.curve[-1:]]
    if len({end["step"] for end in ends}) == 1 < len({end["tokens"] for end in ends}):
        return ""
    rows: dict[str, list[str]] = {}
    for row in table.rows:
        own = [point for record in row.records for point in record.curve[-1:]]
        if own:
            length = f"{_span(end['step'] for end in own)} steps on {_span(end['tokens'] for end in own)} tokens"
            rows.setdefault(length, []).append(row.label)
    usual = max(rows, key=lambda length: len(rows[length]), default="")  # the first of equals
    others = "; ".join(f"{', '.join(labels)}: {length}" for length, labels in rows.items() if length != usual)
    return f", {usual}" * bool(usual) + f" ({others})" * bool(others)


def _span(numbers: Iterable[int]) -> str:
    found = list(numbers)
    return " to ".join(f"{end:,}" for end in dict.fromkeys((min(found), max(found))))
