"""The columns that a table can have, each by its name in `columns`."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace

from reattend.report.grid import EMPTY, digits
from reattend.report.variants.cells import choice, chosen_values, difference, ratio, score
from reattend.report.variants.numbers import Row, value_of
from reattend.report.variants.specification import VariantsSpec
from reattend.settings import SettingError


@dataclass(frozen=True)
class Column:
    """A heading, what stands below it, and under which names CSV has it beyond what it always has."""

    heading: Callable[[VariantsSpec], str]
    cell: Callable[[VariantsSpec, Row], str]
    values: Callable[[VariantsSpec, Row], dict[str, object]] = lambda spec, row: {}


def _parameters(row: Row) -> str:
    return f"{row.parameters:,}" + (f" (+{row.extra_percent:.2f} %)" if row.extra else "")


def _before(spec: VariantsSpec, row: Row) -> float:
    """The score of the models that a fine-tuning began with."""
    before = replace(spec, metric=f"{spec.metric}_before")
    return statistics.mean(value_of(before, record) for record in row.records)


CHOICE = Column(
    lambda spec: spec.best.words if spec.best else EMPTY,
    lambda spec, row: choice(row.choice),
    lambda spec, row: chosen_values(spec.best, row.choice),
)
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
    "parameters": Column(lambda spec: "parameters", lambda spec, row: _parameters(row)),
    "speed": Column(lambda spec: "tokens/s", lambda spec, row: f"{row.tokens_per_second:,.0f}"),
    "step_time": Column(
        lambda spec: "ms/step",
        lambda spec, row: f"{1000 * row.step_seconds:,.0f}",
        lambda spec, row: {"ms_per_step": digits(1000 * row.step_seconds)},
    ),
    "time": Column(lambda spec: "time", lambda spec, row: ratio(row.time_ratio)),
    "peak_memory": Column(
        lambda spec: "MiB",
        lambda spec, row: f"{row.peak_bytes / 2**20:,.0f}",
        lambda spec, row: {"peak_mib": digits(row.peak_bytes / 2**20)},
    ),
    "memory": Column(lambda spec: "memory", lambda spec, row: ratio(row.memory_ratio)),
    "published": Column(
        lambda spec: "published Δ", lambda spec, row: "; ".join(number.text for number in row.published) or EMPTY
    ),
}


def shown(spec: VariantsSpec) -> list[Column]:
    """The columns of a table; what was chosen for a row stands before what came of it."""
    for name in spec.columns:
        if name not in COLUMNS:
            raise SettingError(f"table.{spec.name}.columns", name, f"some of {', '.join(COLUMNS)}", "Change it.")
    return [*[CHOICE] * (spec.best is not None), *(COLUMNS[name] for name in spec.columns)]
