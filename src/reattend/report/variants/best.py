"""Each row at its best of a small grid: a mechanism that wants another learning rate is not judged at softmax's.

What is best says a validation score, over the seeds that all values of the row share: a value that was tried with more
seeds has no other chances than the rest. The test score has no say, or the best of three would be lucky by design.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from reattend.records.identity import ALWAYS, config_hash
from reattend.records.record import RecordError
from reattend.report.scores import BITS, Scored, metric_of
from reattend.report.variants.rows import Choice, Trained, Variant
from reattend.settings import SettingError


class Candidate(Trained, Scored, Protocol):
    """What can be chosen: trained, and scored."""


T = TypeVar("T", bound=Candidate)


@dataclass(frozen=True)
class Best:
    """What a table chooses the rows' settings by."""

    table: str
    of: str  # the dotted key of the setting
    by: str  # "<split>/<what>"
    lower_is_better: bool

    @property
    def words(self) -> str:
        """`optimizer.learning_rate` -> `learning rate`."""
        return self.of.rpartition(".")[2].replace("_", " ")


def best_of(table: str, *, of: str | None, by: str | None, metric: str, lower_is_better: bool) -> Best | None:
    """The table's keys `best_of` and `chosen_by`, checked; `metric` is what the table shows."""
    if of is None or by is None:
        if of is not by:
            missing, other = ("chosen_by", "best_of") if by is None else ("best_of", "chosen_by")
            raise SettingError(f"table.{table}.{missing}", None, f"a value beside {other}", "Give both or neither.")
        return None
    (shown_split, _, shown), (split, _, what) = metric.partition("/"), by.partition("/")
    if split == shown_split:
        expected = f"a metric of another split than {shown_split}, whose scores are compared"
        raise SettingError(f"table.{table}.chosen_by", by, expected, f"Set it to valid/{what}.")
    if what != shown and not what.startswith(BITS):
        expected = f"{shown} or {BITS}... of a split"
        raise SettingError(f"table.{table}.chosen_by", by, expected, f"Set it to {split}/{shown}.")
    return Best(table, of, by, lower_is_better if what == shown else True)


def at_best(best: Best | None, variants: Sequence[Variant[T]]) -> list[Variant[T]]:
    """One variant for all that differ in the setting alone, which is no longer part of its configuration."""
    if best is None:
        return list(variants)
    grids: dict[str, list[Variant[T]]] = {}
    for variant in variants:
        rest = {key: value for key, value in variant.config.items() if key != best.of}
        grids.setdefault(config_hash(rest), []).append(variant)
    return [_chosen(best, grid) for grid in grids.values()]


def _chosen(best: Best, grid: Sequence[Variant[T]]) -> Variant[T]:
    ordered = sorted(grid, key=lambda variant: _rank(_value(best, variant)))
    common = sorted(set.intersection(*(set(variant.seeds) for variant in grid)))
    if not common:
        first, last = (next(iter(variant.seeds.values())).name for variant in (ordered[0], ordered[-1]))
        problem = f"no seed is common to all values of {best.of} of its row, {last} has others"
        raise RecordError(first, problem, f"Train one seed at all of them, or select fewer for table.{best.table}")
    means = [_mean(best, variant, common) for variant in ordered]
    found = ordered[means.index(min(means) if best.lower_is_better else max(means))]
    choice = Choice(_value(best, found), [_value(best, variant) for variant in ordered], len(common))
    rest = {key: value for key, value in found.config.items() if key != best.of}
    return Variant(found.row, rest, found.seeds, choice=choice)


def _mean(best: Best, variant: Variant[T], seeds: Sequence[int]) -> float:
    setting = f"table.{best.table}.chosen_by"
    return statistics.fmean(metric_of(variant.seeds[seed], best.by, setting=setting).value for seed in seeds)


def _value(best: Best, variant: Variant[T]) -> object:
    known = ALWAYS | variant.config
    if best.of not in known:
        name = next(iter(variant.seeds.values())).name
        fix = f"Set table.{best.table}.best_of to one that it has, such as optimizer.learning_rate"
        raise RecordError(name, f"its config has no key {best.of}", fix)
    return known[best.of]


def _rank(value: object) -> tuple[bool, float, str]:
    """Numbers by size, all else by name."""
    return (False, value, "") if isinstance(value, int | float) else (True, 0.0, str(value))
