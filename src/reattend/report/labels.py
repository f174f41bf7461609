"""What a row is called: its option, and the settings in which it differs from rows it could be mistaken for."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

Dotted = Mapping[str, Any]  # a configuration as flat `attention.name: softmax` pairs


def rivals(key: str, config: Dotted, others: Iterable[Dotted]) -> list[Dotted]:
    """Those whose value of `key` tells them from `config`: options of another model or mechanism differ anyway."""
    name = f"{key.partition('.')[0]}.name"
    return [other for other in others if key == name or other.get(name) == config.get(name)]


def setting(key: str, value: Any, *, own: str) -> str:
    """`key=value` as the command line spells it, but without the group `own`."""
    return f"{key.removeprefix(f'{own}.')}={value if isinstance(value, str) else json.dumps(value)}"
