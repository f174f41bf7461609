"""The suite of batches within a budget: that its sides are the same model, what it counts and refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import command, compose

from reattend.bench import build_suite, throughput
from reattend.bench.caches import Dynamic, Ours, Sliding, Static
from reattend.bench.reading import Reader
from reattend.bench.throughput import Throughput
from reattend.records import BenchRecord, read_records
from reattend.settings import SettingError

TOVA = {"name": "tova", "size": 6}
READ = 20  # tokens
ENTRY = 2 * 2 * 2 * 4 * 4  # bytes: keys and values, layers, heads, width, float32


@pytest.fixture
def small(folder: Path, text: Path) -> list[str]:
    return [
        "suite=throughput",
        "lm@suite.lm=pretrained",
        f"suite.lm.path={folder}",
        "suite.lm.device_map=cpu",
        f"suite.data.path={text}",
        "suite.rounds=2",
        "suite.history=32",
        "suite.budget_mib=1",
        "suite.sizes=[8,4]",
        "suite.steps=2",
        "suite.chunk=8",
    ]


def logits(reader: Reader, cache: Any, tokens: torch.Tensor) -> torch.Tensor:
    found: torch.Tensor = reader.model(input_ids=tokens, past_key_values=cache).logits
    return found


@torch.no_grad()
def test_each_row_of_a_batch_goes_on_as_the_one_that_was_read(reader: Reader) -> None:
    for side in (Ours(reader, TOVA, tokens=READ), Ours(reader, {"name": "full"}, tokens=READ)):
        many, one = side.of(3), side.of(1)
        for at in (20, 21):
            token = reader.ids[:, at : at + 1]
            found = logits(reader, many, token.repeat(3, 1))
            torch.testing.assert_close(found, logits(reader, one, token).repeat(3, 1, 1))
        assert side.cache.get_seq_length() == READ  # what was read stays as it was


@torch.no_grad()
def test_the_caches_of_transformers_go_on_from_the_same_state(reader: Reader) -> None:
    full, window = Ours(reader, {"name": "full"}, tokens=READ), Ours(reader, {"name": "window", "size": 6}, tokens=READ)
    peers = [
        Dynamic(full, tokens=READ),
        Static(full, tokens=READ, longest=40, config=reader.model.config),
        Sliding(window, tokens=READ),
    ]
    for peer in peers:
        theirs, mine = peer.of(2), peer.ours.of(2)
        for at in range(READ, READ + 5):
            token = reader.ids[:, at : at + 1].repeat(2, 1)
            found = logits(reader, theirs, token)
            torch.testing.assert_close(found, logits(reader, mine, token), msg=f"{peer.name} at {at}")


def test_bytes_of_a_sequence(reader: Reader) -> None:
    full = Ours(reader, {"name": "full"}, tokens=READ)
    assert full.sequence_bytes() == READ * ENTRY
    assert Ours(reader, TOVA, tokens=READ).sequence_bytes() == 6 * ENTRY
    assert Dynamic(full, tokens=READ).sequence_bytes() == READ * ENTRY


def test_it_ends_in_one_line_of_ratios(small: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command("bench", *small) == 0
    *table, last = capsys.readouterr().out.splitlines()
    found = json.loads(last)
    sides = found.pop("sides")
    assert found == {
        "suite": "throughput",
        "history": 32,
        "budget_mib": 1,
        "lm": "tiny-llama",
        "dtype": "float32",
        "device": "cpu",
        "steps": 2,
        "rounds": 2,
    }
    names = ["full", "tova", "tova", "transformers dynamic", "transformers static", "transformers sliding"]
    assert [(side["name"], side["size"]) for side in sides] == list(
        zip(names, [None, 4, 8, None, None, 4], strict=True)
    )
    start = 32 - 2 * 2 * (2 + 1)  # tokens that are read before the first step
    assert [side["kv_bytes"] for side in sides] == [entries * ENTRY for entries in (start, 4, 8, start, start, 4)]
    assert [side["batch"] for side in sides] == [2**20 // side["kv_bytes"] for side in sides]
    assert all(side["over_full"] > 0 and side["tokens_per_second"] > 0 for side in sides)
    assert sum(line.startswith("tova ") for line in table) == 2


def test_what_a_ratio_is_made_of(small: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A step takes 1 s for each sequence of the full cache and half a second for each of the others."""

    def seconds(steps: dict[str, Any], **how: Any) -> dict[str, list[float]]:
        rows = {name: step.args[2].shape[0] for name, step in steps.items()}
        return {name: [count * {"full": 2.0, "side": 1.0}[name]] * 2 for name, count in rows.items()}  # of two tokens

    monkeypatch.setattr(throughput, "alternate", seconds)
    found = build_suite(compose("bench", *small)["suite"]).run()
    full, *others = found["sides"]
    assert (full["name"], full["milliseconds_of_one"], full["tokens_per_second"], full["over_full"]) == (
        "full",
        1000,
        1,
        1,
    )
    for side in others:
        assert side["milliseconds_of_one"] == 500
        assert side["one_over_full"] == 0.5
        assert side["tokens_per_second"] == 2
        # of 20 entries each: batches of b and B sequences, b / (b / 2 s) over B / (B s)
        assert side["over_full"] == pytest.approx(2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("suite.history=10", r"suite\.history=10: expected at least 20"),
        ("suite.history=65", r"suite\.history=65: expected at most 64 tokens, the positions"),
        ("policy@suite.policy=full", r"suite\.policy=full: expected a policy that bounds the state"),
        ("suite.sizes=[half]", r"suite\.sizes=half: expected a whole number"),
        ("suite.sizes=[]", r"suite\.sizes=\[\]: expected at least one size"),
        ("suite.sizes=[0,4]", r"suite\.sizes=0: expected at least 1"),
        ("suite.steps=0", r"suite\.steps=0: expected at least 1"),
    ],
)
def test_bad_input(small: list[str], change: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        build_suite(compose("bench", *small, change)["suite"]).run()


def test_a_budget_too_small_for_one_sequence(small: list[str]) -> None:
    suite = build_suite(compose("bench", *small)["suite"])
    assert isinstance(suite, Throughput)
    suite.budget = 4 * ENTRY
    with pytest.raises(SettingError, match=r"suite\.budget_mib=0: expected at least 1, what one sequence of 32 tokens"):
        suite.run()


def test_a_record_where_one_is_asked_for(small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("bench", *small, f"results_dir={tmp_path}") == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    (record,) = read_records(tmp_path / "runs")
    assert isinstance(record, BenchRecord)
    assert record.result == found and record.suite == "throughput" and record.name.startswith("throughput_")
    assert command("bench", *small, f"results_dir={tmp_path}") == 0
    *said, last = capsys.readouterr().out.splitlines()
    assert json.loads(last) == found and "finished before" in said[0]  # not measured again
    assert command("report", f"results_dir={tmp_path}", "readme=null") == 0
    assert "Decoding within a budget of memory" in capsys.readouterr().out
