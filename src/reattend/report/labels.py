"""Settings in which rows differ: those that a row is called by, and how many there are."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Dotted = Mapping[str, Any]  # a configuration as flat `attention.name: softmax` pairs


def rivals(key: str, config: Dotted, others: Iterable[Dotted]) -> list[Dotted]:
    """Those whose value of `key` tells them from `config`: options of another model or mechanism differ anyway."""
    name = f"{key.partition('.')[0]}.name"
    return [other for other in others if key == name or other.get(name) == config.get(name)]


def differences(one: Dotted, other: Dotted) -> int:
    """In how many of the settings that both have they differ."""
    return sum(one[key] != other[key] for key in one.keys() & other.keys())


def setting(key: str, value: Any, *, own: str) -> str:
    """`key=value` as the command line spells it, but without the group `own`."""
    return f"{key.removeprefix(f'{own}.')}={value if isinstance(value, str) else json.dumps(value)}"
