"""Which records are seeds of one row, what a row is called and which row it is compared with.

A variant is every record whose configurations agree but for the seed. Two variants of one mechanism differ in
some setting, and the label says in which; a variant is compared only with a baseline whose settings outside
the rows' own groups are the same, so that a gain is never a longer schedule in disguise.

Several keys name a row together, `none` left out: `[attention.name, control.name]` -> softmax, dagpam, softmax wider.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from reattend.records.identity import ALWAYS, config_hash, deciding
from reattend.records.record import RecordError
from reattend.report.labels import Dotted, differences, rivals, setting
from reattend.settings import SettingError, typed

NONE = "none"  # the option of a group that does nothing


class Trained(Protocol):
    """What tells rows and seeds apart: a training run, or something that came of one."""

    @property
    def name(self) -> str: ...  # of the record, for messages
    @property
    def config(self) -> dict[str, Any]: ...  # of the training
    @property
    def seed(self) -> int: ...


class Rows(Protocol):
    """What a table says of its rows."""

    @property
    def name(self) -> str: ...
    @property
    def rows(self) -> str | list[str]: ...  # the dotted config keys whose values are the rows
    @property
    def baseline(self) -> str: ...


T = TypeVar("T", bound=Trained)


@dataclass(frozen=True)
class Choice:
    """That a row is shown at the best of several values of one setting."""

    value: Any
    tried: list[Any]  # from the lowest to the highest
    seeds: int  # over which they were compared

    @property
    def at_edge(self) -> bool:
        """Whether a value beyond those tried could be better still."""
        ends = self.tried[:1] + self.tried[-1:]
        return len(self.tried) > 1 and self.value in ends and isinstance(self.value, int | float)


@dataclass
class Variant(Generic[T]):
    """The records of one configuration by seed."""

    row: str
    config: dict[str, Any]  # dotted, without the seed
    seeds: dict[int, T]
    label: str = ""
    choice: Choice | None = None

    def paired(self, baseline: "Variant[T] | None") -> list[tuple[T, T]]:
        """The two records of each seed that both have."""
        common = sorted(self.seeds.keys() & baseline.seeds.keys()) if baseline else []
        return [(self.seeds[seed], baseline.seeds[seed]) for seed in common if baseline]


def find_variants(spec: Rows, records: Iterable[T]) -> list[Variant[T]]:
    """The rows of a table: the baseline's first, then by name."""
    return named(spec, gathered(spec, records))


def gathered(spec: Rows, records: Iterable[T]) -> list[Variant[T]]:
    """The records of each configuration, without labels."""
    variants: dict[str, Variant[T]] = {}
    for record in records:
        config = {key: value for key, value in deciding(record.config).items() if key != "seed"}
        fresh: Variant[T] = Variant(_row(spec, record.name, config), config, {})
        variant = variants.setdefault(config_hash(config), fresh)
        other = variant.seeds.setdefault(record.seed, record)
        if other is not record:
            problem = f"same configuration and seed as {other.name}, which would count twice"
            raise RecordError(record.name, problem, "Delete one of the two files")
    return list(variants.values())


def named(spec: Rows, variants: Sequence[Variant[T]]) -> list[Variant[T]]:
    """The variants with their labels, the baseline's first, then by name."""
    for variant in variants:
        variant.label = " ".join([variant.row, *_distinctions(spec, variant, variants)])
    return sorted(variants, key=lambda variant: (variant.row != spec.baseline, variant.label))


def row_keys(spec: Rows) -> list[str]:
    """The dotted config keys whose values name a row."""
    keys = [spec.rows] if isinstance(spec.rows, str) else spec.rows
    if not keys:
        raise SettingError(f"table.{spec.name}.rows", "[]", "at least one key", "Set it to attention.name.")
    return [typed(f"table.{spec.name}.rows", key, str) for key in keys]


def row_groups(spec: Rows) -> list[str]:
    """The groups of these keys: a table compares their options."""
    return list(dict.fromkeys(key.partition(".")[0] for key in row_keys(spec)))


def _row(spec: Rows, name: str, config: Dotted) -> str:
    """The row of a record of that name."""
    known, keys = {**ALWAYS, **config}, row_keys(spec)
    for key in keys:
        if key not in known:
            fix = f"Set table.{spec.name}.rows to one that it has, such as attention.name"
            raise RecordError(name, f"its config has no key {key}", fix)
    values = [str(known[key]) for key in keys]
    return " ".join(value for value in values if value != NONE) or NONE


def _distinctions(spec: Rows, variant: Variant[T], others: Iterable[Variant[T]]) -> list[str]:
    """`key=value` for each setting in which `variant` differs from another that could be mistaken for it.

    Options of the rows' own groups tell rows of one name apart; all else is what rows of any name must share.
    """
    keys, groups, every = row_keys(spec), row_groups(spec), list(others)
    alike = [other.config for other in every if other.row == variant.row]
    told = []
    for key, value in sorted(variant.config.items()):
        own = next((group for group in groups if key.startswith(f"{group}.")), "")
        configs = alike if own else [other.config for other in every]
        if key not in keys and any(rival.get(key) != value for rival in rivals(key, variant.config, configs)):
            told.append(setting(key, value, own=own))
    return told


def baseline_of(spec: Rows, variant: Variant[T], variants: Iterable[Variant[T]]) -> Variant[T] | None:
    """The baseline on equal terms with `variant`: all else the same, their common options the nearest."""
    if variant.row == spec.baseline:
        return None
    own = tuple(f"{group}." for group in row_groups(spec))
    equal = [
        other
        for other in variants
        if other.row == spec.baseline and _outside(other.config, own) == _outside(variant.config, own)
    ]
    return min(equal, key=lambda other: differences(other.config, variant.config), default=None)


def _outside(config: Dotted, groups: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if not key.startswith(groups)}
