"""The suite of cache policies end to end on a tiny model, that its sides do what they are called, what it refuses."""

import json
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import checkpoint as save_checkpoint
from composed import command, compose
from transformers.integrations import sdpa_attention
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from reattend.bench import build_suite, policy_engine
from reattend.bench.measure import Peak
from reattend.bench.reading import Reader, prepare
from reattend.cache import build_policy
from reattend.settings import SettingError

TOVA = {"name": "tova", "size": 6}


@pytest.fixture
def small(folder: Path, text: Path) -> list[str]:
    return [
        "suite=policy_engine",
        "lm@suite.lm=pretrained",
        f"suite.lm.path={folder}",
        "suite.lm.device_map=cpu",
        f"suite.data.path={text}",
        "suite.policy.size=6",
        "suite.rounds=2",
        "suite.chunk=8",
        "suite.tokens=20",
        "suite.steps=3",
        "suite.full_attention=[[32,4],[32,6],[48,6]]",
        "suite.lengths=[8,16,32]",
    ]


@pytest.fixture
def calls(reader: Reader) -> list[dict[str, Any]]:
    """What each call of the model's layers is given, from now on."""
    given: list[dict[str, Any]] = []
    hook = lambda module, args, kwargs: given.append(kwargs)  # noqa: E731
    reader.model.base_model.register_forward_pre_hook(hook, with_kwargs=True)
    return given


def test_it_ends_in_one_line_of_ratios(
    small: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    peaks = {8: Peak(0, 100), 32: Peak(0, 103)}
    monkeypatch.setattr(policy_engine, "peak_memory", lambda *args, tokens, **options: peaks[tokens])
    assert command("bench", *small) == 0
    *table, last = capsys.readouterr().out.splitlines()
    found = json.loads(last)
    speed, over, doubling = (
        found.pop(key) for key in ("one_pass_over_token_by_token", "time_over_full_attention", "doubling")
    )
    assert over.keys() == {"32/4", "32/6", "48/6"} and doubling.keys() == {"8", "16"}
    assert all(math.isfinite(ratio) and ratio > 0 for ratio in (speed, *over.values(), *doubling.values()))
    assert found == {
        "suite": "policy_engine",
        "policy": "tova",
        "size": 6,
        "memory_ratio": 1.03,
        "state_bytes": 2 * 2 * 2 * 6 * 4 * 4,  # layers, keys and values, heads, entries, width, float32
        "lm": "tiny-llama",
        "dtype": "float32",
        "full_attention": "sdpa",
        "tokens": 20,
        "steps": 3,
        "lengths": [8, 16, 32],
        "chunk": 8,
        "device": "cpu",
        "rounds": 2,
    }
    assert sum("full attention   " in line for line in table) == 2  # 32 and 48 tokens, each measured once
    assert sum(line.startswith("tova   ") for line in table) == 5  # 8, 16, 32/4, 32/6, 48/6
    assert any("32 over 8 tokens  x 1.030" in line for line in table)


def test_a_median_ratio_is_made_of_what_its_name_says(
    small: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def seconds(steps: dict[Any, Any], **how: Any) -> dict[Any, list[float]]:
        known = {"one pass": 2.0, "token by token": 6.0}  # 20 tokens against 3: 10/s against 0.5/s
        return {side: [known[side] if side in known else side[0] * (side[1] or 100)] * 2 for side in steps}

    monkeypatch.setattr(policy_engine, "alternate", seconds)
    monkeypatch.setattr(policy_engine, "peak_memory", lambda *args, **options: Peak(1, 1))
    found = build_suite(compose("bench", *small)["suite"]).run()
    assert found["one_pass_over_token_by_token"] == 20
    assert found["time_over_full_attention"] == {"32/4": 0.04, "32/6": 0.06, "48/6": 0.06}
    assert found["doubling"] == {"8": 2, "16": 2}
    assert "20.000" in capsys.readouterr().out


def test_token_by_token_is_the_same_policy_a_token_a_call(reader: Reader, calls: list[dict[str, Any]]) -> None:
    rule = build_policy(TOVA)
    step, cache = reader.one_by_one(rule, 40, steps=5, rounds=3)
    assert [call["input_ids"].shape[1] for call in calls] == [8, 8, 8, 1] and cache.get_seq_length() == 25
    del calls[:]
    for _ in range(3):
        step()
    assert [call["input_ids"].shape[1] for call in calls] == [1] * 15
    assert all(call["past_key_values"] is cache for call in calls)
    assert torch.equal(torch.cat([call["input_ids"] for call in calls], dim=1), reader.ids[:, 25:])
    at_once = reader.scored(rule, 40)
    for one, whole in zip(cache.layers, at_once.layers, strict=True):
        assert one.positions.shape == (1, 1, 6) and torch.equal(one.positions, whole.positions)
        torch.testing.assert_close(one.values, whole.values)


def test_full_attention_is_the_models_own_over_the_whole_text(
    reader: Reader, calls: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    shapes = []

    def sdpa(module: Any, query: Any, key: Any, value: Any, mask: Any, **how: Any) -> Any:
        shapes.append((query.shape[2], key.shape[2], type(key), mask))
        return sdpa_attention.sdpa_attention_forward(module, query, key, value, mask, **how)

    monkeypatch.setitem(ALL_ATTENTION_FUNCTIONS._global_mapping, "sdpa", sdpa)
    reader.under(build_policy(TOVA), 40)  # which replaces the attention
    assert shapes == []
    reader.full(40)
    assert shapes == [(40, 40, torch.Tensor, None)] * 2  # both layers; causal, without a mask
    assert reader.model.config._attn_implementation == "sdpa"
    assert calls[-1]["input_ids"].shape == (1, 40) and calls[-1].get("past_key_values") is None


@pytest.mark.parametrize(("chunk", "pieces"), [(16, [16, 16, 8]), (None, [40])])
def test_a_pass_takes_chunks(reader: Reader, calls: list[dict[str, Any]], chunk: int | None, pieces: list[int]) -> None:
    reader.chunk = chunk
    for read in (reader.under, reader.scored):
        del calls[:]
        read(build_policy(TOVA), 40)
        assert [call["input_ids"].shape[1] for call in calls] == pieces


def test_only_the_scored_side_computes_logits(reader: Reader) -> None:
    seen: list[int] = []
    reader.model.lm_head.register_forward_hook(lambda module, args, logits: seen.append(logits.shape[1]))
    reader.under(build_policy(TOVA), 40)
    reader.full(40)
    assert seen == []
    reader.scored(build_policy(TOVA), 40)
    assert sum(seen) == 40


def test_a_short_text_begins_again(lm: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("jagen quer ")
    reader = Reader(lm, {"name": "books", "path": str(tmp_path / "short.txt")}, tokens=30, chunk=None)
    once = reader.lm.encode("jagen quer ").ids
    assert 1 < len(once) < 15 and reader.ids.shape == (1, 30)
    assert torch.equal(reader.ids[0], torch.cat([once] * 30)[:30])


def test_memory_is_measured_after_the_model_was_loaded_and_used(
    lm: dict[str, Any], text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[int] = []
    under = Reader.under
    monkeypatch.setattr(Reader, "under", lambda self, rule, tokens: passes.append(tokens) or under(self, rule, tokens))
    given = {"lm": lm, "data": {"name": "books", "path": str(text)}, "policy": TOVA, "tokens": 40, "chunk": 8}
    step = pickle.loads(pickle.dumps(prepare))(device=torch.device("cpu"), **given)  # as for a process of its own
    assert passes == [2]  # a mapped file takes no memory before it is read
    step()
    assert passes == [2, 40]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("suite.rounds=0", "suite.rounds=0: expected at least 1"),
        ("suite.steps=0", "suite.steps=0: expected at least 1"),
        ("suite.chunk=0", "suite.chunk=0: expected at least 1"),
        ("suite.chunk=all", "suite.chunk=all: expected a whole number or null"),
        ("suite.tokens=11", "suite.tokens=11: expected at least 12"),  # a state of 6, then 2 rounds of 3
        ("suite.lengths=[8]", "suite.lengths=[8]: expected two lengths or more, each twice the one before"),
        ("suite.lengths=[8,24]", "suite.lengths=[8, 24]: expected two lengths or more"),
        ("suite.lengths=[0,0]", "suite.lengths=0: expected at least 1"),
        ("suite.lengths=[a,b]", "suite.lengths=a: expected a whole number"),
        ("suite.full_attention=[32]", "suite.full_attention=32: expected pairs [tokens, size]"),
        ("suite.full_attention=[[32,0]]", "suite.full_attention=0: expected at least 1"),
        ("suite.full_attention=[[32,x]]", "suite.full_attention=x: expected a whole number"),
        ("suite.policy.size=0", "policy.size=0: expected at least 1"),
        ("suite.policy.first=5", "policy.first=5: expected from 0 to 3, less than policy.size=4"),
        ("suite.policy.prefill=trim", "suite.policy.prefill=trim: expected exact"),
        ("+suite.round=5", "suite.round=5: expected a known option"),
    ],
)
def test_a_bad_setting_is_named_before_anything_is_loaded(small: list[str], override: str, message: str) -> None:
    with pytest.raises(SettingError) as refused:
        build_suite(compose("bench", *small, override)["suite"])
    assert message in str(refused.value)


def test_a_policy_without_a_size_is_refused(small: list[str]) -> None:
    unbounded = ["policy@suite.policy=full", *(line for line in small if "suite.policy.size" not in line)]
    with pytest.raises(SettingError, match=r"suite\.policy=full: expected a policy that bounds the state"):
        build_suite(compose("bench", *unbounded)["suite"])


def test_positions_beyond_the_model_are_read_only_if_asked_for(
    small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = [*small, "suite.lengths=[40,80]"]
    with pytest.raises(SettingError, match=r"suite\.beyond_context=false: .* 80 tokens .* 64 positions"):
        build_suite(compose("bench", *longer)["suite"]).run()
    monkeypatch.setattr(policy_engine, "peak_memory", lambda *args, **options: Peak(1, 1))
    found = build_suite(compose("bench", *longer, "suite.beyond_context=true")["suite"]).run()
    assert found["doubling"].keys() == {"40"}


def test_a_decoder_of_this_project_is_refused(text: Path, tmp_path: Path) -> None:
    lm = {"name": "checkpoint", "loader": "checkpoint", "path": str(save_checkpoint(tmp_path / "best.ckpt"))}
    with pytest.raises(SettingError, match=r"suite\.lm=checkpoint: expected a pretrained decoder of the transformers"):
        Reader(lm, {"name": "books", "path": str(text)}, tokens=8, chunk=None)
