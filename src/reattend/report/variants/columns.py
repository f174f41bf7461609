"""The columns that a table can have, each by its name in `columns`."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace

from reattend.report.grid import EMPTY, digits
from reattend.report.variants.cells import choice, chosen_values, difference, parameters, ratio, score
from reattend.report.variants.costs import Costs
from reattend.report.variants.numbers import Row, Table, value_of
from reattend.report.variants.specification import VariantsSpec
from reattend.settings import SettingError


@dataclass(frozen=True)
class Column:
    """A heading, what stands below it, and under which names CSV has it beyond what it always has."""

    heading: Callable[[VariantsSpec], str]
    cell: Callable[[VariantsSpec, Row], str]
    values: Callable[[VariantsSpec, Row], dict[str, object]] = lambda spec, row: {}


def _before(spec: VariantsSpec, row: Row) -> float:
    """The score of the models that a fine-tuning began with."""
    before = replace(spec, metric=f"{spec.metric}_before")
    return statistics.mean(value_of(before, record) for record in row.records)


def _cost(heading: str, write: Callable[[Costs], str], **values: Callable[[Costs], float | None]) -> Column:
    """A column that is blank where a row was not timed."""
    return Column(
        lambda spec: heading,
        lambda spec, row: write(row.costs) if row.costs else EMPTY,
        lambda spec, row: {name: digits(of(row.costs) if row.costs else None) for name, of in values.items()},
    )


def _step_time(costs: Costs) -> str:
    """`214 (× 1.40)`."""
    against = "" if costs.step_ratio is None else f" ({ratio(costs.step_ratio)})"
    return f"{1000 * costs.step_seconds:,.0f}{against}"


CHOICE = Column(
    lambda spec: spec.best.words if spec.best else EMPTY,
    lambda spec, row: choice(row.choice),
    lambda spec, row: chosen_values(spec.best, row.choice),
)
COSTS = {
    "speed": _cost("tokens/s", lambda costs: f"{costs.tokens_per_second:,.0f}"),
    "step_time": _cost(
        "ms/step",
        _step_time,
        ms_per_step=lambda costs: 1000 * costs.step_seconds,
        step_ratio=lambda costs: costs.step_ratio,
    ),
    "time": _cost("time", lambda costs: ratio(costs.time_ratio)),
    "peak_memory": _cost(
        "MiB",
        lambda costs: f"{costs.peak_bytes / 2**20:,.0f}",
        peak_mib=lambda costs: costs.peak_bytes / 2**20,
    ),
    "memory": _cost("memory", lambda costs: ratio(costs.memory_ratio)),
}
COLUMNS = {
    "score": Column(lambda spec: spec.metric_words, lambda spec, row: score(row.score, spec.decimals)),
    "before": Column(
        lambda spec: f"{spec.metric_words} before",
        lambda spec, row: f"{_before(spec, row):.{spec.decimals}f}",
        lambda spec, row: {"before": digits(_before(spec, row))},
    ),
    "difference": Column(
        lambda spec: f"Δ to {spec.baseline}", lambda spec, row: difference(row.difference, spec.decimals)
    ),
    "parameters": Column(lambda spec: "parameters", lambda spec, row: parameters(row.parameters, row.extra)),
    **COSTS,
    "published": Column(
        lambda spec: "published Δ", lambda spec, row: "; ".join(number.text for number in row.published) or EMPTY
    ),
}


def shown(table: Table) -> list[Column]:
    """What was chosen for a row, then the columns that its table asks for; costs where any row has them."""
    spec = table.spec
    for name in spec.columns:
        if name not in COLUMNS:
            raise SettingError(f"table.{spec.name}.columns", name, f"some of {', '.join(COLUMNS)}", "Change it.")
    known = [name for name in spec.columns if table.has_costs or name not in COSTS]
    return [*[CHOICE] * (spec.best is not None), *(COLUMNS[name] for name in known)]
