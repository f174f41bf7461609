"""What tasks under a cache policy share: their keys beside `task`, and how their records tell of model and state."""

from collections.abc import Mapping, Sequence
from typing import Any

from reattend.records import AnswersRecord, EvaluationRecord, StoriesRecord
from reattend.records.record import State
from reattend.settings import at_least, typed


def check_keys(config: Mapping[str, Any], **lowest: int) -> None:
    """The keys that all of them have, and those of one task with the lowest value of each, or a SettingError."""
    at_least("chunk", typed("chunk", config["chunk"], int), 1)
    for key, least in {**lowest, "threads": 1}.items():
        at_least(key, typed(key, config[key], int | None), least)
    typed("progress", config["progress"], bool)


def named(record: AnswersRecord | EvaluationRecord | StoriesRecord) -> str:
    """The model and the policy with its options, as the first line of a summary says them."""
    policy = dict(record.config["policy"])
    name = policy.pop("name")
    options = " ".join(f"{key}={value}" for key, value in policy.items() if value is not None)
    return f"{record.lm['name']} ({record.lm['dtype']}), policy {name} {options}".rstrip()


def largest(parts: Sequence[Mapping[str, Any]]) -> State:
    """The state when it was largest, of all parts of a record."""
    return {
        "entries_per_layer": max(part["entries"] for part in parts),
        "kv_bytes": max(part["kv_bytes"] for part in parts),
    }


def in_words(state: State) -> str:
    """That state, as the last line of a summary says it."""
    return (
        f"at most {state['entries_per_layer']:,.0f} entries a layer, "
        f"{state['kv_bytes'] / 2**20:,.1f} MiB of keys and values"
    )
