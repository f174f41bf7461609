"""Which records are sizes of one row, what a row is called, and which rows stand in one block.

A block is every record whose settings under the table's `blocks` agree: one model on one text. A row of it is every
record that agrees in all else but the size. Its label names the policy and each setting in which it departs from
what most rows of that policy have; where no value is the commonest, every row names its own.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from reattend.records.identity import config_hash, deciding
from reattend.records.record import Record, RecordError
from reattend.report.labels import Dotted, differences, rivals, setting
from reattend.report.sizes.specification import BySize, WithTopline

POLICY, SIZE = "policy.name", "policy.size"
R = TypeVar("R", bound=Record)


@dataclass
class Line(Generic[R]):
    """The records of one row by size; a policy without a bound has the one size None."""

    policy: str
    config: dict[str, Any]  # dotted, without the size and the block's settings
    sizes: dict[int | None, R] = field(default_factory=dict)  # from the smallest on
    label: str = ""


def split(spec: BySize, records: Iterable[R]) -> dict[str, list[R]]:
    """The records of each block, by its label."""
    grouped: dict[str, tuple[dict[str, Any], list[R]]] = {}
    for record in records:
        config = {key: value for key, value in deciding(record.config).items() if _belongs(key, spec.blocks)}
        grouped.setdefault(config_hash(config), (config, []))[1].append(record)
    blocks = [(model_of(members[0]), config, members) for config, members in grouped.values()]
    labels = [
        _block_label(model, config, [other for name, other, _ in blocks if name == model])
        for model, config, _ in blocks
    ]
    return dict(sorted(zip(labels, (members for *_, members in blocks), strict=True)))


def model_of(record: Any) -> str:
    """The option that chose the model; where that names just the way to load any, the model itself."""
    lm = record.config["lm"]
    name: str = record.lm["name"] if lm["name"] == lm.get("loader") else lm["name"]
    return name


def _belongs(key: str, blocks: Sequence[str]) -> bool:
    return any(f"{key}.".startswith(f"{block}.") for block in blocks)


def _block_label(model: str, config: Dotted, alike: Sequence[Dotted]) -> str:
    """The model, and the settings in which its block differs from another of that model."""
    texts = [
        setting(key, value, own="lm")
        for key, value in sorted(config.items())
        if key != "lm.name" and any(rival.get(key) != value for rival in rivals(key, config, alike))
    ]
    return " ".join([model, *texts])


def find_lines(spec: BySize, records: Iterable[R]) -> list[Line[R]]:
    """The rows of a block: those without a bound, then as `order` has them, then by name."""
    lines: dict[str, Line[R]] = {}
    for record in records:
        config = {key: value for key, value in deciding(record.config).items() if not _belongs(key, spec.blocks)}
        size = config.pop(SIZE, None)
        line = lines.setdefault(config_hash(config), Line(config[POLICY], config))
        other = line.sizes.setdefault(size, record)
        if other is not record:
            problem = f"same configuration as {other.name}, which would count twice"
            raise RecordError(record.name, problem, "Delete one of the two files")
    found = list(lines.values())
    for line in found:
        line.sizes = {size: line.sizes[size] for size in in_order(line.sizes)}
        line.label = " ".join([line.policy, *_departures(line.config, [other.config for other in found])])
    return sorted(found, key=lambda line: _place(spec, line))


def _place(spec: BySize, line: Line[R]) -> tuple[object, ...]:
    counted = [int(text) if text.isdigit() else text for text in re.split(r"(\d+)", line.label)]
    return None not in line.sizes, spec.place(line.policy), counted


def _departures(config: Dotted, others: Sequence[Dotted]) -> list[str]:
    return [
        setting(key, value, own="policy")
        for key, value in sorted(config.items())
        if key != POLICY and value != _commonest(key, config, others)
    ]


def _commonest(key: str, config: Dotted, others: Sequence[Dotted]) -> Any:
    """The value of `key` that most rivals have; an object equal to nothing where there is no such value."""
    values = [rival.get(key) for rival in rivals(key, config, others)]
    counts = Counter(map(repr, values)).most_common(2)
    if len(counts) == 2 and counts[0][1] == counts[1][1]:
        return object()
    return next(value for value in values if repr(value) == counts[0][0])


def in_order(sizes: Iterable[int | None]) -> list[int | None]:
    """Each size once, from the smallest on; that of policies without a bound last."""
    return sorted(set(sizes), key=lambda size: (size is None, size))


def topline_of(spec: WithTopline, line: Line[R], lines: Iterable[Line[R]]) -> R | None:
    """What `line` is compared with: the record of the topline whose settings are the nearest."""
    toplines = [other for other in lines if other.policy == spec.topline and None in other.sizes]
    nearest = min(toplines, key=lambda other: differences(line.config, other.config), default=None)
    return nearest.sizes[None] if nearest else None


def not_named(lines: Sequence[Line[R]]) -> list[str]:
    """What rows do not say though others of their policy do: `tova first=0 scope=layer`."""
    texts: dict[str, dict[str, None]] = {}
    configs = [line.config for line in lines]
    for config in configs:
        for key, value in sorted(config.items()):
            told_apart = key != POLICY and any(rival.get(key) != value for rival in rivals(key, config, configs))
            if told_apart and value == _commonest(key, config, configs):
                of = config[POLICY] if key.startswith("policy.") else ""
                texts.setdefault(of, {})[setting(key, value, own="policy")] = None
    return [" ".join([of, *found]).strip() for of, found in texts.items()]
