"""What task=retention records is what a loop over single tokens finds in the state after each of them."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import checkpoint, result
from evaluated import composed, replaced
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from reattend.cache import PolicyCache
from reattend.evaluation import run_task
from reattend.evaluation.retaining import run as retaining
from reattend.evaluation.retaining.watcher import Watcher
from reattend.evaluation.unfinished import Interrupted
from reattend.records import RetentionRecord, read_record, run_name
from reattend.settings import SettingError

Retain = Callable[..., RetentionRecord]
SIZE, CONTEXT = 8, 48
POLICIES = ["window", "window_sinks", "tova", "h2o", "random"]


@pytest.fixture
def retain(given: list[str]) -> Retain:
    """retain("policy=tova", ...) -> the record of chunks of 48 tokens, without a shorter last one."""

    def run(*changes: str) -> RetentionRecord:
        config = composed(replaced(given, "task=retention", f"task.context={CONTEXT}", *changes))
        run_task(config)
        record = read_record(Path(config["results_dir"]) / "runs" / f"{run_name(config)}.json")
        assert isinstance(record, RetentionRecord)
        return record

    return run


@pytest.fixture
def ids(tokenizer: Tokenizer, book: Path) -> list[int]:
    found: list[int] = tokenizer.encode(book.read_text(encoding="utf-8"), add_special_tokens=False).ids
    return found


def states(model: Path, ids: list[int], **policy: Any) -> list[list[list[set[int]]]]:
    """The positions kept after each token: [T][layer][lane]."""
    llama = LlamaForCausalLM.from_pretrained(model)
    cache, after = PolicyCache(llama, **policy), []
    for token in ids:
        with torch.no_grad():
            llama(torch.tensor([[token]]), past_key_values=cache)
        kept = [layer.positions[0].tolist() for layer in cache.layers]
        after.append([[{p for p in lane if p >= 0} for lane in layer] for layer in kept])
    return after


def by_hand(after: list[list[list[set[int]]]], size: int) -> dict[str, int]:
    """The counts of a part, entry by entry and step by step."""
    sets = [(layer, lane) for layer, lanes in enumerate(after[0]) for lane in range(len(lanes))]
    found = dict.fromkeys(("steps", "kept", "recent", "at_once", "first"), 0) | {"sets": len(sets)}
    for layer, lane in sets:
        for t in range(len(after)):
            now = after[t][layer][lane]
            attended = {t, *(after[t - 1][layer][lane] if t else ())}
            found["steps"] += len(attended)
            found["first"] += 0 in attended
            found["at_once"] += t not in now
            if t >= size:
                found["kept"] += len(now)
                found["recent"] += sum(p > t - size for p in now)
    return found


@pytest.mark.parametrize("policy", POLICIES)
def test_counts_are_those_of_reading_token_by_token(retain: Retain, model: Path, ids: list[int], policy: str) -> None:
    record = retain(f"policy={policy}", f"policy.size={SIZE}", "chunk=20")
    assert len(record.parts) == len(ids) // CONTEXT >= 3
    added: dict[str, int] = {}
    for part in record.parts:
        after = states(model, ids[part["start"] : part["start"] + CONTEXT], policy=policy, size=SIZE)
        wanted = by_hand(after, SIZE)
        assert {key: part[key] for key in wanted} == wanted  # type: ignore[literal-required]
        assert (part["read"], part["tokens"]) == (CONTEXT, CONTEXT - 1)
        added = {key: added.get(key, 0) + value for key, value in wanted.items()}
    for key in ("kept", "recent", "at_once"):
        assert sum(sum(layer[key]) for layer in record.layers) == added[key]  # type: ignore[literal-required]
    lanes = 2 if policy == "h2o" else 1
    assert [len(layer["kept"]) for layer in record.layers] == [lanes, lanes]
    assert record.metrics["mean_residence"].sum == added["steps"]
    assert record.metrics["recency_share"].value == added["recent"] / added["kept"]
    assert record.metrics["first_residence"].value == added["first"] / added["sets"]


@pytest.mark.parametrize("policy", POLICIES)
def test_the_mean_residence_follows_from_the_size_alone(retain: Retain, policy: str) -> None:
    """sum_t min(t, k + 1): one entry leaves at each step, whatever it is."""
    record = retain(f"policy={policy}", f"policy.size={SIZE}")
    wanted = sum(min(t, SIZE + 1) for t in range(1, CONTEXT + 1)) / CONTEXT
    assert record.metrics["mean_residence"].value == wanted
    assert [part["steps"] for part in record.parts] == [wanted * CONTEXT * part["sets"] for part in record.parts]


def test_a_window_is_all_recent_and_sinks_stay(retain: Retain) -> None:
    window, sinks = retain("policy=window", "policy.size=8"), retain("policy=window_sinks", "policy.size=8")
    assert window.metrics["recency_share"].value == 1
    assert window.first == [9 * count for count in window.first_of] and not any(window.stayed)
    assert sinks.first[:4] == [(CONTEXT - i) * sinks.first_of[i] for i in range(4)]
    assert sinks.stayed[:5] == [*sinks.first_of[:4], 0]
    # after steps 8 to 10 the positions 1 to 3, 2 and 3, and 3 are among the last 8 as well
    old = sum(min(4, t - 7) for t in range(8, CONTEXT))
    assert sinks.metrics["recency_share"].value == 1 - old / (8 * (CONTEXT - 8))


def test_maps_and_first_positions(retain: Retain, model: Path, ids: list[int]) -> None:
    record = retain("policy=tova", f"policy.size={SIZE}", f"max_tokens={2 * CONTEXT}")
    both = [
        states(model, ids[start : start + CONTEXT], policy="tova", size=SIZE) for start in (0, CONTEXT)
    ]  # 48 tokens: a bin is a token
    by_step = [
        [sum(p in lane for after in both for layer in after[t] for lane in layer) for p in range(CONTEXT)]
        for t in range(CONTEXT)
    ]
    by_layer = [[sum(p in after[-1][i][0] for after in both) for p in range(CONTEXT)] for i in range(2)]
    assert (record.map["chunks"], record.map["tokens"]) == (2, CONTEXT)
    assert [[*map(int, row.split())] for row in record.map["by_step"]] == by_step
    assert [[*map(int, row.split())] for row in record.map["by_layer"]] == by_layer
    assert record.stayed == [sum(column) for column in zip(*by_layer, strict=True)][:25]
    kept_after = [sum(row[p] for row in by_step) for p in range(25)]  # the step that drops attends as well
    assert record.first == [n + 4 - stays for n, stays in zip(kept_after, record.stayed, strict=True)]
    assert record.first_of == [4] * 25


def test_parts_of_speech_add_up(retain: Retain) -> None:
    record = retain("policy=tova", f"policy.size={SIZE}")
    assert record.tagger and record.tagger.startswith("textblob")
    seen: set[str] = set()
    for part in record.parts:
        counts = {tag: [*map(int, text.split())] for tag, text in part["tags"].items()}
        assert sum(tokens for tokens, _ in counts.values()) == part["read"]
        assert sum(steps for _, steps in counts.values()) == part["steps"]
        seen |= counts.keys()
    assert {"\\n", "DT"} <= seen
    none = retain("policy=tova", f"policy.size={SIZE}", "task.tagger=null")
    assert none.tagger is None and not any(part["tags"] for part in none.parts)


def test_neither_pieces_nor_the_beginning_of_a_chunk_change_what_is_counted(retain: Retain) -> None:
    options = ("policy=h2o", f"policy.size={SIZE}", "task.bos=true", "max_tokens=100", "task.tail=keep")
    one, other = retain(*options, "chunk=7"), retain(*options, "chunk=512")
    without = ("seconds", "nats", "entries", "kv_bytes")
    parts = [[{k: v for k, v in part.items() if k not in without} for part in r.parts] for r in (one, other)]
    assert parts[0] == parts[1] and one.map == other.map and one.layers == other.layers
    assert [part["read"] for part in one.parts] == [49, 49, 5]  # the state of the last is never full
    assert one.parts[2]["kept"] == 0 and one.map["chunks"] == 2
    assert [int(part["tags"]["BOS"].split()[0]) for part in one.parts] == [1, 1, 1]
    assert one.first_of[4:6] == [12, 8]  # two layers of two heads, in three chunks and in two


@pytest.mark.parametrize("policy", ["tova", "window_sinks"])
def test_a_cut_at_the_end_of_a_prompt_is_seen_as_well(retain: Retain, policy: str) -> None:
    """With prefill=trim nothing leaves before a call ends: of calls of 24 tokens, 16 and then 24 leave."""
    record = retain(f"policy={policy}", f"policy.size={SIZE}", "policy.prefill=trim", "chunk=24", "max_tokens=48")
    (part,) = record.parts
    first, second = sum(range(1, 25)), sum(range(SIZE + 1, SIZE + 25))
    assert part["steps"] == part["sets"] * (first + second)


@pytest.mark.parametrize("attention", ["softmax", "dagpam"])
def test_a_model_trained_here(retain: Retain, tmp_path: Path, attention: str) -> None:
    path = checkpoint(tmp_path / "best.ckpt", attention=attention)
    own = ["lm=checkpoint", f"lm.path={path}", "lm.device_map=cpu", "task.context=32"]
    record = retain(*own, "policy=tova", "policy.size=6")
    assert record.data["unit"] == "byte" and len(record.layers) == 2
    wanted = sum(min(t, 7) for t in range(1, 33)) / 32
    assert record.metrics["mean_residence"].value == wanted
    assert 0 < record.metrics["recency_share"].value < 1


def test_an_interrupted_run_goes_on_with_what_it_counted(retain: Retain, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("policy=tova", f"policy.size={SIZE}")
    whole = retain(*options)
    monkeypatch.setattr(Watcher, "part", _stops_at(CONTEXT, Watcher.part))
    with pytest.raises(Interrupted, match=f"stopped after 1 of {len(whole.parts)} chunks"):
        retain(*options, "force=true")
    monkeypatch.undo()
    again = retain(*options, "force=false", "name=again")
    assert _comparable(again) == _comparable(whole)


def _stops_at(start: int, part: Callable[..., Any]) -> Callable[..., Any]:
    def stopping(self: Watcher, text: Any, tokens: Any, piece: range) -> Any:
        if piece.start == start:
            raise KeyboardInterrupt
        return part(self, text, tokens, piece)

    return stopping


def _comparable(record: RetentionRecord) -> dict[str, Any]:
    found = result(record)
    for key in ("name", "config"):
        del found[key]
    for part in found["parts"]:
        del part["seconds"]
    return found


def test_a_record_is_read_as_it_was_written(retain: Retain, tmp_path: Path) -> None:
    record = retain("policy=tova", f"policy.size={SIZE}")
    (path,) = (tmp_path / "results" / "runs").glob("*.json")
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["kind"] == "retention" and "whole" not in content["parts"][0]
    assert content["map"] == dataclasses.asdict(record)["map"]


def test_what_has_no_end_is_refused(retain: Retain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retaining, "retain", None)  # nothing is loaded before
    with pytest.raises(SettingError, match="policy=full: expected a policy with a size"):
        retain("policy=full")
    with pytest.raises(SettingError, match="policy=truncate: expected a policy by whose rule entries leave one by one"):
        retain("policy=truncate", f"policy.size={SIZE}")
