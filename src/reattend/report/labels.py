"""Settings in which rows differ: those that a row is called by, and how many there are."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Dotted = Mapping[str, Any]  # a configuration as flat `attention.name: softmax` pairs


def rivals(key: str, config: Dotted, others: Iterable[Dotted]) -> list[Dotted]:
    """Those whose value of `key` tells them from `config`: options of another model or mechanism differ anyway."""
    name = f"{_option(key, config)}.name"
    return [other for other in others if key == name or other.get(name) == config.get(name)]


def _option(key: str, config: Dotted) -> str:
    """What has a name and `key` among its options: attention of attention.bias, control.like of control.like.bias."""
    within = key.rpartition(".")[0]
    while "." in within and f"{within}.name" not in config:
        within = within.rpartition(".")[0]
    return within


def differences(one: Dotted, other: Dotted) -> int:
    """In how many of the settings that both have they differ."""
    return sum(one[key] != other[key] for key in one.keys() & other.keys())


def setting(key: str, value: Any, *, own: str) -> str:
    """`key=value` as the command line spells it, but without the group `own`."""
    return f"{key.removeprefix(f'{own}.')}={value if isinstance(value, str) else json.dumps(value)}"
