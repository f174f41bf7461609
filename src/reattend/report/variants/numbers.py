"""Records become the numbers of a table, or a refusal where they cannot be compared."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reattend.records.record import Metric, TrainingRecord
from reattend.report.comparable import refuse_to_mix
from reattend.report.provenance import same_machine
from reattend.report.scores import metric_of
from reattend.report.statistics import Estimate, estimate
from reattend.report.variants.best import at_best
from reattend.report.variants.rows import Choice, Variant, baseline_of, gathered, named
from reattend.report.variants.specification import Published, VariantsSpec


@dataclass(frozen=True)
class Row:
    """One line of a table. What cannot be said is None."""

    label: str
    row: str  # the label without the settings that tell it from its like
    records: list[TrainingRecord]  # by seed
    pairs: list[tuple[TrainingRecord, TrainingRecord]]  # with the baseline's record of the same seed
    score: Estimate
    difference: Estimate | None  # to the baseline, over the seeds that both have
    parameters: int
    extra: int  # parameters that the mechanism or a control adds
    tokens_per_second: float
    step_seconds: float
    peak_bytes: float
    time_ratio: float | None
    memory_ratio: float | None
    published: list[Published]
    choice: Choice | None  # where the table has `best_of`

    @property
    def extra_percent(self) -> float:
        """What the mechanism or a control adds, in percent of the model without."""
        return 100 * self.extra / (self.parameters - self.extra)


@dataclass(frozen=True)
class Table:
    """A table's numbers; `records` are all that went into it."""

    spec: VariantsSpec
    rows: list[Row]
    records: list[TrainingRecord]


def build_table(spec: VariantsSpec, records: Sequence[TrainingRecord]) -> Table:
    """The table over `records`."""
    _refuse_to_mix(spec, records)
    variants = named(spec, at_best(spec.best, gathered(spec, records)))
    rows = [_row(spec, variant, baseline_of(spec, variant, variants)) for variant in variants]
    return Table(spec, rows, [record for row in rows for record in row.records])


def score_of(spec: VariantsSpec, record: TrainingRecord) -> Metric:
    """The table's metric of one record, as it was measured."""
    return metric_of(record, spec.metric, setting=f"table.{spec.name}.metric")


def value_of(spec: VariantsSpec, record: TrainingRecord) -> float:
    """The table's metric of one record, as the table shows it."""
    return spec.shown(score_of(spec, record).value)


def _refuse_to_mix(spec: VariantsSpec, records: Sequence[TrainingRecord]) -> None:
    aspects: dict[str, Callable[[TrainingRecord], object]] = {
        "data sha256": lambda record: record.data["sha256"],
        "context": lambda record: record.config["data"].get("context"),
        "window and stride": lambda record: [record.config.get("objective", {}).get(k) for k in ("window", "stride")],
        f"unit of {spec.metric}": lambda record: score_of(spec, record).unit,
        f"count of {spec.metric}": lambda record: score_of(spec, record).count,
    }
    remedy = "rerun one of them with another results_dir or delete its file"
    refuse_to_mix(records, aspects, table=spec.name, remedy=remedy)


def _row(spec: VariantsSpec, variant: Variant[TrainingRecord], baseline: Variant[TrainingRecord] | None) -> Row:
    records = [record for _, record in sorted(variant.seeds.items())]
    pairs = variant.paired(baseline)
    differences = [value_of(spec, mine) - value_of(spec, base) for mine, base in pairs]
    alike = [(mine, base) for mine, base in pairs if same_machine(mine, base)]
    return Row(
        label=variant.label,
        row=variant.row,
        records=records,
        pairs=pairs,
        score=estimate([value_of(spec, record) for record in records]),
        difference=estimate(differences) if differences else None,
        parameters=records[0].parameters["total"],
        extra=records[0].parameters["attention_extra"],
        tokens_per_second=statistics.median(record.timing["tokens_per_second"] for record in records),
        step_seconds=statistics.median(record.timing["train_seconds"] / steps(record) for record in records),
        peak_bytes=statistics.median(record.memory["peak_bytes"] for record in records),
        time_ratio=_median([m.timing["train_seconds"] / b.timing["train_seconds"] for m, b in alike]),
        memory_ratio=_median(
            [
                mine.memory["peak_bytes"] / base.memory["peak_bytes"]
                for mine, base in alike
                if mine.memory["what"] == base.memory["what"]
            ]
        ),
        published=[number for number in spec.published if number.row == variant.row],
        choice=variant.choice,
    )


def steps(record: TrainingRecord) -> int:
    """How many the run took: not always as many as it was given."""
    planned: int = record.config["trainer"]["max_steps"]
    return record.curve[-1]["step"] if record.curve else planned


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None
