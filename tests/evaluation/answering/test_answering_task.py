"""Answers equal those of each prompt read alone, whatever their company, and scores are those of what is saved."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from asked import ASKED, CONTEXT, SIZE, STORIES, TAIL, Ask, by_hand, load, saved
from tiny import options, policy

from reattend.metrics.rouge import rouge

NAMES = sorted(options("policy"))
TRIMS = [name for name in NAMES if "prefill" in policy(name)]
TEXTS = [(book, text) for book in STORIES for text in ASKED[book]]


def cut_by_hand(lm: Any, document: str, after: str, most: int) -> tuple[list[int], int]:
    """The longest prompt of at most so many tokens that ends a document between two of its own tokens."""
    _, spans = lm.encode(document)
    for left_out in range(len(spans)):
        text = document[: spans[len(spans) - left_out - 1, 1]] + after
        ids = [lm.bos(), *lm.encode(text).ids.tolist()]
        if len(ids) <= most:
            return ids, left_out
    raise AssertionError


@pytest.mark.parametrize(
    ("name", "others"), [*((name, {}) for name in NAMES), *((name, {"prefill": "trim"}) for name in TRIMS)], ids=str
)
def test_answers_are_those_of_each_whole_prompt_read_alone(
    name: str, others: dict[str, str], ask: Ask, model: Path
) -> None:
    size = 140 if name == "truncate" else SIZE
    lm, config = load(model), policy(name, size=size, **others)
    given = [f"policy.{key}={json.dumps(value)}" for key, value in config.items() if key != "name"]
    record = ask(f"policy={name}", *given)
    most = size if name == "truncate" else CONTEXT
    assert [
        (part["document"], line["question"]) for part, line in zip(record.parts, saved(record), strict=True)
    ] == TEXTS
    for (book, question), part, line in zip(TEXTS, record.parts, saved(record), strict=True):
        prompt, left_out = cut_by_hand(lm, STORIES[book], TAIL.format(question), most)
        assert (part["prompt"], part["cut"]) == (len(prompt), left_out)
        reference = lm.encode(f" {line['references'][1]}").ids.tolist()
        written, nats = by_hand(lm, config, prompt, reference)
        assert line["prediction"] == lm.tokenizer.decode(written).strip() and part["written"] == len(written)
        assert part["nats"][1] == pytest.approx(nats, rel=1e-4) and part["tokens"][1] == len(reference)
        kept = len(prompt) if name in ("full", "truncate") else min(SIZE, len(prompt))
        assert part["entries"] == pytest.approx(kept)
    assert len({part["prompt"] for part in record.parts}) > 2 and any(part["cut"] for part in record.parts)
    assert record.metrics["nats_per_answer_token"].count == sum(sum(part["tokens"]) for part in record.parts)


def test_batches_change_nothing(ask: Ask) -> None:
    one = ask("policy=tova", f"policy.size={SIZE}", "task.batch_size=1", "name=one")
    many = ask("policy=tova", f"policy.size={SIZE}", "task.batch_size=8", "chunk=500", "name=many")
    assert saved(one) == saved(many)
    for mine, other in zip(one.parts, many.parts, strict=True):
        assert mine["nats"] == pytest.approx(other["nats"], rel=1e-4)
        assert mine["log_p"] == pytest.approx(other["log_p"], rel=1e-4)


def test_a_document_is_read_once(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[int, int]] = []
    from reattend.models import reading

    plain = reading._Pretrained.read

    def noting(self: Any, tokens: torch.Tensor, **how: Any) -> torch.Tensor:
        read.append(tuple(tokens.shape))  # type: ignore[arg-type]
        return plain(self, tokens, **how)

    monkeypatch.setattr(reading._Pretrained, "read", noting)
    record = ask("limit=3", "task.references=0", "chunk=1000")
    (beginning, *_), batches = read[:1], [shape for shape in read if shape[0] > 1 and shape[1] > 1]
    assert beginning[0] == 1 and beginning[1] > 30 and len(batches) == 1 and batches[0][0] == 3
    assert beginning[1] + batches[0][1] == max(part["prompt"] for part in record.parts)
    assert record.parts[0]["nats"] == [] and "nats_per_answer_token" not in record.metrics


def test_scores_are_those_of_what_is_saved(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    record = ask("policy=window", "policy.size=40")
    lines = saved(record)
    found = [rouge(line["prediction"], line["references"]) for line in lines]
    assert [line["rouge1"] for line in lines] == [one.rouge1 for one in found]
    for key in ("rouge1", "rouge2", "rougeL", "f1"):
        mean = sum(line[key] for line in lines) / 6
        assert record.metrics[key].value == pytest.approx(100 * mean)
        assert (record.metrics[key].count, record.metrics[key].sum) == (6, pytest.approx(600 * mean))
    assert record.data["questions"] == 6 and record.data["published"] == {
        "documents": 3,
        "questions": 6,
        "references": 12,
    }
    told = capsys.readouterr().out
    assert "squality dev: 3 of 3 documents, 6 of 6 questions, 12 of 12 references; prompt paper" in told
    assert "perplexity of the references" in told and record.predictions["name"] in told
