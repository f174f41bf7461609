"""What tasks under a cache policy share: their keys beside `task`, and how their records tell of model and state."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reattend.records import AnswersRecord, EvaluationRecord, RetentionRecord, StoriesRecord
from reattend.records.identity import ALWAYS
from reattend.records.record import State
from reattend.settings import SettingError, at_least, typed

if TYPE_CHECKING:
    from reattend.cache import Policy


def check_keys(config: Mapping[str, Any], **lowest: int) -> None:
    """The keys that all of them have, and those of one task with the lowest value of each, or a SettingError."""
    at_least("chunk", typed("chunk", config["chunk"], int), 1)
    for key, least in {**lowest, "threads": 1}.items():
        at_least(key, typed(key, config[key], int | None), least)
    typed("progress", config["progress"], bool)


def policy_of(config: Mapping[str, Any]) -> "Policy":
    """The policy; other positions are refused where they change no distance: one result would have two names."""
    from reattend.cache import build_policy  # torch, which a finished run does without

    policy = build_policy(config["policy"], positions=config["positions"])
    name, positions = config["policy"]["name"], config["positions"]["name"]
    if policy.unbroken and positions != ALWAYS["positions.name"]:
        expected = (
            f"original with policy={name}, which keeps neighbours alone: their distances are those of the text anyway"
        )
        fix = "Leave positions out, or choose a policy that leaves gaps, such as tova, h2o, random or window_sinks."
        raise SettingError("positions", positions, expected, fix)
    return policy


def named(record: AnswersRecord | EvaluationRecord | RetentionRecord | StoriesRecord) -> str:
    """The model and the policy with its options, as the first line of a summary says them."""
    policy = dict(record.config["policy"])
    name = policy.pop("name")
    size = {"size": policy.pop("size", None)}  # first; the others by name, as a record that was read has them
    given = {**size, **dict(sorted(policy.items()))}
    options = [f"{key}={value}" for key, value in given.items() if value is not None]
    positions = dict(record.config.get("positions", {"name": ALWAYS["positions.name"]}))
    if positions["name"] != ALWAYS["positions.name"]:
        options.append(f"positions {positions.pop('name')}")
        options += [f"{key}={value}" for key, value in sorted(positions.items())]
    return f"{record.lm['name']} ({record.lm['dtype']}), policy {' '.join([name, *options])}"


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
