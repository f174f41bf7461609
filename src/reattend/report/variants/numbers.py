"""Records become the numbers of a table, or a refusal where they cannot be compared."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reattend.records.record import Metric, RecordError, TrainingRecord
from reattend.report.comparable import refuse_to_mix
from reattend.report.provenance import same_machine
from reattend.report.statistics import Estimate, estimate
from reattend.report.variants.rows import Variant, baseline_of, find_variants
from reattend.report.variants.specification import Published, VariantsSpec


@dataclass(frozen=True)
class Row:
    """One line of a table. What cannot be said is None."""

    label: str
    records: list[TrainingRecord]  # by seed
    score: Estimate
    difference: Estimate | None  # to the baseline, over the seeds that both have
    parameters: int
    extra: int  # parameters that the mechanism or a control adds
    tokens_per_second: float
    time_ratio: float | None
    memory_ratio: float | None
    published: list[Published]

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
    variants = find_variants(spec, records)
    rows = [_row(spec, variant, baseline_of(spec, variant, variants)) for variant in variants]
    return Table(spec, rows, [record for row in rows for record in row.records])


def score_of(spec: VariantsSpec, record: TrainingRecord) -> Metric:
    """The table's metric of one record, as it was measured."""
    if spec.metric not in record.metrics:
        known = ", ".join(sorted(record.metrics)) or "none"
        problem = f"has no metric {spec.metric} (it has {known})"
        raise RecordError(record.name, problem, f"Set table.{spec.name}.metric to one of these")
    return record.metrics[spec.metric]


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
        records=records,
        score=estimate([value_of(spec, record) for record in records]),
        difference=estimate(differences) if differences else None,
        parameters=records[0].parameters["total"],
        extra=records[0].parameters["attention_extra"],
        tokens_per_second=statistics.median(record.timing["tokens_per_second"] for record in records),
        time_ratio=_median([m.timing["train_seconds"] / b.timing["train_seconds"] for m, b in alike]),
        memory_ratio=_median(
            [
                mine.memory["peak_bytes"] / base.memory["peak_bytes"]
                for mine, base in alike
                if mine.memory["what"] == base.memory["what"]
            ]
        ),
        published=[number for number in spec.published if number.row == variant.row],
    )


def _median(values: list[float]) -> float | None:
    return statistics.median(values) if values else None
