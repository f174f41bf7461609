"""Records become the numbers of a table, or a refusal where they cannot be compared."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reattend.records.identity import config_hash
from reattend.records.record import Metric, RecordError, TrainingRecord
from reattend.report.comparable import refuse_to_mix
from reattend.report.scores import metric_of
from reattend.report.statistics import Estimate, estimate
from reattend.report.variants.best import at_best
from reattend.report.variants.costs import Costs, costs_of
from reattend.report.variants.rows import Choice, Variant, baseline_of, gathered, named, own_settings
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
    costs: Costs | None
    published: list[Published]
    choice: Choice | None  # where the table has `best_of`


@dataclass(frozen=True)
class Table:
    """A table's numbers; `records` are all that were scored, `timed` those that its costs are of."""

    spec: VariantsSpec
    rows: list[Row]
    records: list[TrainingRecord]
    timed: list[TrainingRecord]

    @property
    def has_costs(self) -> bool:
        """Whether any row was timed."""
        return any(row.costs for row in self.rows)


def build_table(spec: VariantsSpec, records: Sequence[TrainingRecord]) -> Table:
    """The table over `records`."""
    timed = [record for record in records if spec.times(record)]
    scored = [record for record in records if not spec.times(record)]
    if not scored:
        problem = f"it was made to be timed, and the table {spec.name} has no run beside it that is scored"
        raise RecordError(timed[0].name, problem, "Train one of another experiment that the table selects")
    _refuse_to_mix(spec, scored)
    variants = named(spec, at_best(spec.best, gathered(spec, scored)))
    payers = _by_settings(spec, timed) if spec.costs else None
    others = variants if payers is None else payers.values()
    rows = []
    for variant in variants:
        payer = variant if payers is None else payers.get(_settings(spec, variant))
        costs = costs_of(payer, baseline_of(spec, payer, others)) if payer else None
        rows.append(_row(spec, variant, baseline_of(spec, variant, variants), costs))
    return Table(spec, rows, [record for row in rows for record in row.records], timed)


def _by_settings(spec: VariantsSpec, timed: Sequence[TrainingRecord]) -> dict[str, Variant[TrainingRecord]]:
    """The runs that were made to be timed, by what makes a row: all else differs from the runs that are scored."""
    found: dict[str, Variant[TrainingRecord]] = {}
    for variant in gathered(spec, timed):
        other = found.setdefault(_settings(spec, variant), variant)
        if other is not variant:
            mine, its = (next(iter(one.seeds.values())).name for one in (variant, other))
            raise RecordError(
                mine, f"made to be timed as {its} was, with other settings", "Delete one of the two files"
            )
    return found


def _settings(spec: VariantsSpec, variant: Variant[TrainingRecord]) -> str:
    return config_hash(own_settings(spec, variant.config))


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


def _row(
    spec: VariantsSpec,
    variant: Variant[TrainingRecord],
    baseline: Variant[TrainingRecord] | None,
    costs: Costs | None,
) -> Row:
    records = [record for _, record in sorted(variant.seeds.items())]
    pairs = variant.paired(baseline)
    differences = [value_of(spec, mine) - value_of(spec, base) for mine, base in pairs]
    return Row(
        label=variant.label,
        row=variant.row,
        records=records,
        pairs=pairs,
        score=estimate([value_of(spec, record) for record in records]),
        difference=estimate(differences) if differences else None,
        parameters=records[0].parameters["total"],
        extra=records[0].parameters["attention_extra"],
        costs=costs,
        published=[number for number in spec.published if number.row == variant.row],
        choice=variant.choice,
    )
