"""Which records are seeds of one row, what a row is called and which row it is compared with.

A variant is every record whose configurations agree but for the seed. Two variants of one mechanism differ in
some setting, and the label says in which; a variant is compared only with a baseline whose settings outside
the row's own group are the same, so that a gain is never a longer schedule in disguise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from reattend.records.identity import config_hash, deciding
from reattend.records.record import RecordError, TrainingRecord
from reattend.report.labels import rivals, setting
from reattend.report.variants.specification import VariantsSpec


@dataclass
class Variant:
    """The records of one configuration by seed."""

    row: str
    config: dict[str, Any]  # dotted, without the seed
    seeds: dict[int, TrainingRecord]
    label: str = ""


def find_variants(spec: VariantsSpec, records: Iterable[TrainingRecord]) -> list[Variant]:
    """The rows of a table: the baseline's first, then by name."""
    variants: dict[str, Variant] = {}
    for record in records:
        config = {key: value for key, value in deciding(record.config).items() if key != "seed"}
        if spec.rows not in config:
            fix = f"Set table.{spec.name}.rows to one that it has, such as attention.name"
            raise RecordError(record.name, f"its config has no key {spec.rows}", fix)
        fresh = Variant(str(config[spec.rows]), config, {})
        variant = variants.setdefault(config_hash(config), fresh)
        other = variant.seeds.setdefault(record.seed, record)
        if other is not record:
            problem = f"same configuration and seed as {other.name}, which would count twice"
            raise RecordError(record.name, problem, "Delete one of the two files")
    found = list(variants.values())
    for variant in found:
        variant.label = " ".join([variant.row, *_distinctions(spec, variant, found)])
    return sorted(found, key=lambda variant: (variant.row != spec.baseline, variant.label))


def _distinctions(spec: VariantsSpec, variant: Variant, others: Iterable[Variant]) -> list[str]:
    """`key=value` for each setting in which `variant` differs from another that could be mistaken for it."""
    own, configs = spec.rows.partition(".")[0], [other.config for other in others]
    return [
        setting(key, value, own=own)
        for key, value in sorted(variant.config.items())
        if key != spec.rows and any(rival.get(key) != value for rival in rivals(key, variant.config, configs))
    ]


def baseline_of(spec: VariantsSpec, variant: Variant, variants: Iterable[Variant]) -> Variant | None:
    """The baseline on equal terms with `variant`: all else the same, their common options the nearest."""
    if variant.row == spec.baseline:
        return None
    own = spec.rows.partition(".")[0] + "."
    equal = [
        other
        for other in variants
        if other.row == spec.baseline and _outside(other.config, own) == _outside(variant.config, own)
    ]
    return min(equal, key=lambda other: _differences(other.config, variant.config), default=None)


def _outside(config: Mapping[str, Any], group: str) -> dict[str, Any]:
    return {key: value for key, value in config.items() if not key.startswith(group)}


def _differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> int:
    return sum(one[key] != other[key] for key in one.keys() & other.keys())
