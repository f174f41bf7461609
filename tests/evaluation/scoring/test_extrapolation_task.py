"""Streams beyond the context: the course of a long chunk, positions as an option, and texts that are long enough."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from composed import command, compose
from evaluated import composed, replaced
from tiny_llama import save
from tiny_models import make
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from reattend.cache import PolicyCache
from reattend.evaluation import progress
from reattend.evaluation.scoring import course
from reattend.evaluation.scoring.course import Course
from reattend.records import EvaluationRecord, config_hash, run_name

Evaluate = Callable[..., EvaluationRecord]
STREAM = ["policy=window_sinks", "policy.size=8", "policy.first=2", "task.context=null"]


@pytest.fixture
def tens(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums of ten tokens, kept of chunks of more than 20."""
    monkeypatch.setattr(course, "EVERY", 10)
    monkeypatch.setattr(course, "LONG", 2)


@torch.no_grad()
def costs(model: Path, ids: list[int], positions: str) -> torch.Tensor:
    """-ln p of each token but the first, read one by one."""
    llama = LlamaForCausalLM.from_pretrained(model)
    cache = PolicyCache(llama, "window_sinks", size=8, first=2, positions=positions)
    rows = [llama(input_ids=torch.tensor([[token]]), past_key_values=cache).logits[0, 0] for token in ids[:-1]]
    return -torch.stack(rows).log_softmax(dim=-1)[torch.arange(len(rows)), ids[1:]]


@pytest.mark.parametrize("positions", ["original", "slots", "compressed"])
def test_a_streams_course_is_what_its_tokens_cost(
    evaluate: Evaluate, model: Path, tokenizer: Tokenizer, book: Path, tens: None, positions: str
) -> None:
    ids = tokenizer.encode(book.read_text(encoding="utf-8"), add_special_tokens=False).ids
    wanted = [float(ten.sum()) for ten in costs(model, ids, positions).split(10)]
    for chunk in (7, 512):
        record = evaluate(*STREAM, f"positions={positions}", f"chunk={chunk}", f"name=by{chunk}")
        (part,) = record.parts
        found = part["course"]  # type: ignore[typeddict-item]
        assert found["every"] == 10 and len(found["nats"]) == math.ceil(part["tokens"] / 10)
        assert found["nats"] == pytest.approx(wanted, rel=1e-4)
        assert math.fsum(found["nats"]) == pytest.approx(part["nats"])
        assert len(found["seconds"]) == len(wanted) and sum(found["seconds"]) <= part["seconds"]


def test_a_short_chunk_has_no_course(evaluate: Evaluate, tens: None) -> None:
    assert ["course" in part for part in evaluate(*STREAM, "max_tokens=21").parts] == [False]
    assert ["course" in part for part in evaluate(*STREAM, "max_tokens=22").parts] == [True]


def test_sums_are_cut_at_every_so_many_tokens(tens: None) -> None:
    found = Course()
    for tokens in (4, 6, 10, 3):
        assert tokens <= found.room
        found.add(float(tokens), tokens)
    assert found.nats == [10, 10, 3]
    assert found.room == 7


def test_original_positions_are_in_no_hash_and_others_in_the_name(given: list[str]) -> None:
    plain, slots = composed([*given, *STREAM]), composed([*given, *STREAM, "positions=slots"])
    before = {key: value for key, value in plain.items() if key != "positions"}
    assert plain["positions"] == {"name": "original"}
    assert config_hash(plain) == config_hash(before) != config_hash(slots)
    assert "window_sinks8_slots_" in run_name(slots) and run_name(plain) == run_name(before)


def test_a_model_without_rotary_positions_is_one_message(
    given: list[str], tokenizer: Tokenizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = save(tmp_path / "gpt2", make("GPT2", vocab_size=tokenizer.get_vocab_size()), tokenizer)
    changed = replaced(given, "lm=pretrained", f"lm.path={path}", "lm.device_map=cpu", "positions=slots")
    assert command("evaluate", *changed) == 1
    told = capsys.readouterr().err
    assert "positions=slots: expected original for GPT2LMHeadModel: its positions do not turn queries and keys" in told


def test_short_texts_can_be_left_out(
    given: list[str], evaluate: Evaluate, book: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "a.txt").write_text("too short", encoding="utf-8")
    (texts / "b.txt").write_text(book.read_text(encoding="utf-8"), encoding="utf-8")
    long = [*STREAM, f"data.path={texts}", "max_tokens=60"]
    both, one = evaluate(*long), evaluate(*long, "task.short=drop")
    assert [part["document"] for part in both.parts] == ["a", "b"]
    assert [part["document"] for part in one.parts] == ["b"] == [text["title"] for text in one.data["documents"]]
    assert one.parts[0]["nats"] == pytest.approx(both.parts[1]["nats"])
    for changes, told in (
        (["max_tokens=1000"], "max_tokens=1000: expected at most "),
        (["max_tokens=null"], "task.short=drop: expected keep where max_tokens does not say what is short"),
    ):
        assert command("evaluate", *replaced(given, *long, "task.short=drop", *changes)) == 1
        assert told in capsys.readouterr().err


def test_the_experiment_reads_70_thousand_tokens_in_one_stream() -> None:
    config = compose("evaluate", "experiment=tova_extrapolation", "positions=compressed")
    assert config["max_tokens"] == 70_000 and config["task"]["short"] == "drop"
    assert config["task"]["context"] is None and config["task"]["beyond_context"]
    assert (config["policy"]["name"], config["policy"]["size"]) == ("tova", 512)
    assert config["positions"] == {"name": "compressed", "whole": 10}


def test_a_long_stream_tells_how_far_it_is(
    evaluate: Evaluate, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "STRETCH", 20)
    evaluate(*STREAM, "max_tokens=51", "chunk=10", "progress=true")
    told = [line.split("tokens")[0].split(":")[1].split() for line in capsys.readouterr().err.splitlines()]
    assert told == [["20", "of", "50"], ["40", "of", "50"], ["50", "of", "50"]]
