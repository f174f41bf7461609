"""Answers equal those of each prompt read alone; scores and counts by hand; prompts as they were printed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from asked import ASKED, STORIES, answers, load, saved, story, write_stories
from composed import command, compose, result
from evaluated import replaced
from tiny import options, policy
from transformers import AutoTokenizer

from reattend.cache import build_policy
from reattend.data import squality
from reattend.data.questions import Counts
from reattend.evaluation.answering.answerer import Answerer
from reattend.evaluation.answering.prompts import Form, shared
from reattend.evaluation.answering.scores import kind_of, metrics
from reattend.metrics.rouge import rouge
from reattend.models.reading import begin
from reattend.records import AnswersRecord

Ask = Callable[..., AnswersRecord]
NAMES = sorted(options("policy"))
TRIMS = [name for name in NAMES if "prefill" in policy(name)]
SIZE, NEW, CONTEXT = 24, 8, 160
TAIL = "\n\nAnswer the question in a paragraph.\n\nQuestion:\n{}\n\nAnswer:"
TEXTS = [(book, text) for book in STORIES for text in ASKED[book]]


@pytest.fixture
def asked(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a command needs to ask that model about three stories."""
    monkeypatch.setattr(squality, "COUNTS", {"dev": Counts(3, 6, 12)})
    path = write_stories(tmp_path / "dev.jsonl", [story(book) for book in STORIES])
    lm = ["lm=pretrained", f"lm.path={model}", "lm.device_map=cpu", "task=squality"]
    data = [f"data.path={path}", "data.split=dev", f"task.max_new_tokens={NEW}", f"task.context={CONTEXT}", "chunk=16"]
    return [*lm, *data, "policy=full", f"results_dir={tmp_path / 'results'}", "progress=false"]


@pytest.fixture
def ask(asked: list[str]) -> Ask:
    """ask("policy=tova", ...) -> the record."""
    return lambda *changes: answers(replaced(asked, *changes))


def by_hand(lm: Any, config: dict[str, Any], prompt: list[int], reference: list[int]) -> tuple[list[int], float]:
    """The likeliest tokens after a prompt that is read alone and in one call, and -ln p of a reference."""
    rule, _ = build_policy(config).for_prompts()
    reading, again = begin(lm, rule), begin(lm, rule)
    logits = again.read(torch.tensor([prompt]))[:, -1]
    nats = 0.0
    for token in reference:
        nats -= float(logits[0].log_softmax(dim=-1)[token])
        logits = again.read(torch.tensor([[token]]))[:, -1]
    written: list[int] = []
    logits = reading.read(torch.tensor([prompt]))[:, -1]
    while len(written) < NEW and (token := int(logits.argmax())) not in lm.ends():
        written.append(token)
        logits = reading.read(torch.tensor([[token]]))[:, -1]
    return written, nats


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


def same(record: AnswersRecord) -> dict[str, Any]:
    """What does not depend on the clock."""
    found = result(record)
    found["parts"] = [{k: v for k, v in part.items() if not k.endswith("_seconds")} for part in record.parts]
    return found


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


def part(f1: float, rouges: tuple[float, float, float], nats: list[float], kind: str = "") -> dict[str, Any]:
    named = dict(zip(("rouge1", "rouge2", "rougeL"), rouges, strict=True))
    return {"f1": f1, "exact_match": 0.0, "kind": kind, "nats": nats, "tokens": [2, 4], **named}


def test_means_by_hand() -> None:
    found = metrics([part(0.5, (0.4, 0.2, 0.1), [4, 4], "free"), part(0.1, (0.2, 0.0, 0.1), [8, 20], "yes_no")])
    assert found["f1"].value == pytest.approx(30) and found["f1/free"].value == pytest.approx(50)
    assert (found["f1/yes_no"].count, found["f1/yes_no"].value) == (1, pytest.approx(10))
    assert found["rouge_geometric_mean"].value == pytest.approx((30 * 10 * 10) ** (1 / 3))
    assert found["rouge_geometric_mean_per_question"].value == pytest.approx(100 * (0.4 * 0.2 * 0.1) ** (1 / 3) / 2)
    assert (found["nats_per_answer_token"].sum, found["nats_per_answer_token"].count) == (36, 12)
    assert found["nats_per_token_of_best"].value == pytest.approx((1 + 4) / 2)


def test_a_run_goes_on_with_the_next_question(
    ask: Ask, asked: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    how = ["policy=tova", f"policy.size={SIZE}", "task.batch_size=2", "name=run"]
    whole = ask(*how, f"results_dir={tmp_path / 'whole'}")
    plain, batches = Answerer._batch, 0

    def stopping(self: Answerer, *arguments: Any) -> Any:
        nonlocal batches
        if batches == 2:
            raise KeyboardInterrupt
        batches += 1
        return plain(self, *arguments)

    monkeypatch.setattr(Answerer, "_batch", stopping)
    assert command("evaluate", *replaced(asked, *how)) == 130
    assert "run: stopped after 3 of 6 questions; the same command goes on from there." in capsys.readouterr().err
    monkeypatch.setattr(Answerer, "_batch", plain)
    again: list[str] = []

    def noting(self: Answerer, reading: Any, shared: int, cases: Any, seconds: float) -> Any:
        again.extend(case.question.id for case in cases)
        return plain(self, reading, shared, cases, seconds)

    monkeypatch.setattr(Answerer, "_batch", noting)
    assert same(ask(*how)) == same(whole)
    assert again == ["8_1", "9_1", "9_2"]


def test_private_gold_is_answered_for_the_leaderboard(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_stories(tmp_path / "dev.jsonl", [story(book, answers=()) for book in STORIES])
    record = ask(f"data.path={path}", "data.allow_mismatch=true", f"output={tmp_path / 'out' / 'preds.json'}")
    assert "No references: answered, not scored." in capsys.readouterr().err
    assert record.metrics == {} and {part["f1"] for part in record.parts} == {None}
    found = json.loads((tmp_path / "out" / "preds.json").read_text(encoding="utf-8"))
    assert found == {line["id"]: line["prediction"] for line in saved(record)} and len(found) == 6


def test_a_finished_run_writes_the_leaderboards_file_too(ask: Ask, asked: list[str], tmp_path: Path) -> None:
    record, output = ask("name=run"), tmp_path / "preds.json"
    ask("name=run", f"output={output}")
    assert len(json.loads(output.read_text(encoding="utf-8"))) == 6
    (tmp_path / "results" / "predictions" / record.predictions["name"]).write_text("")
    assert command("evaluate", *replaced(asked, "name=run", f"output={output}")) == 1


def test_prompts_as_they_were_printed() -> None:
    paper = {
        "squality": "DOC\n\nAnswer the question in a paragraph.\n\nQuestion:\nQ?\n\nAnswer:",
        "qasper": (
            "DOC\n\nAnswer the question as concisely as you can, using a single phrase or sentence if possible. If the "
            'question cannot be answered based on the information in the article, write "unanswerable". If the '
            'question is a yes/no question, answer "yes", "no", or "unanswerable".\n\nQuestion:\nQ?\n\nAnswer:'
        ),
    }
    begun = {
        "squality": "You are given a story and a question. Answer the question in a paragraph.\n\nStory:\nDOC",
        "qasper": "You are given a scientific article and a question. Answer the question as concisely as you can, ",
    }
    for task, printed in paper.items():
        prompts = compose("evaluate", f"task={task}")["task"]["prompts"]
        assert Form.of(prompts, "paper").filled("DOC", "Q?") == printed
        theirs = Form.of(prompts, "zero_scrolls").filled("DOC", "Q?")
        assert theirs.startswith(begun[task]) and theirs.endswith(":\nDOC\n\nQuestion:\nQ?\n\nAnswer:\n")
    assert Form("{question} {document}", "").filled("a {question}", "b {document}") == "b {document} a {question}"


def test_zero_scrolls_says_what_it_left_out(ask: Ask, model: Path) -> None:
    record = ask("task.prompt=zero_scrolls", "task.context=220", "task.beyond_context=true", "limit=1")
    assert record.parts[0]["cut"] > 0 and record.parts[0]["prompt"] <= 220
    form = Form.of(compose("evaluate", "task=squality")["task"]["prompts"], "zero_scrolls")
    lm = load(model)
    cut = STORIES["7"][: lm.encode(STORIES["7"]).spans[-record.parts[0]["cut"] - 1, 1]]
    said = form.filled(f"{cut}... [The rest of the story is omitted]", ASKED["7"][0])
    assert len(lm.encode(said).ids) + 1 == record.parts[0]["prompt"]


@pytest.fixture
def chatty(model: Path, tmp_path: Path) -> Path:
    """The model with a chat template."""
    folder = tmp_path / "chatty"
    load(model).model.save_pretrained(folder)  # type: ignore[operator]
    tokenizer = AutoTokenizer.from_pretrained(model)
    tokenizer.chat_template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}{% endfor %}[bot]"
    tokenizer.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("chat", ["auto", "true", "false"])
def test_a_chat_template_is_used_where_there_is_one(chat: str, ask: Ask, chatty: Path) -> None:
    lm = load(chatty)
    given = ["lm=pretrained", f"lm.path={chatty}", "lm.device_map=cpu"]
    record = ask(*given, f"task.chat={chat}", "task.context=null", "task.beyond_context=true", "limit=1")
    asked = STORIES["7"] + TAIL.format(ASKED["7"][0])
    prompt = lm.encode(asked if chat == "false" else f"[user] {asked}[bot]").ids.tolist()
    assert record.parts[0]["prompt"] == len(prompt) + (chat == "false")  # a template has its own beginning
    line = saved(record)[0]
    answer = line["references"][0]
    reference = lm.encode(f" {answer}" if chat == "false" else answer).ids.tolist()
    start = [lm.bos()] if chat == "false" else []
    _, nats = by_hand(lm, policy("full"), start + prompt, reference)
    assert record.parts[0]["nats"][0] == pytest.approx(nats, rel=1e-4)


def refused(asked: list[str], *changes: str) -> str:
    import contextlib
    import io

    told = io.StringIO()
    with contextlib.redirect_stderr(told):
        assert command("evaluate", *replaced(asked, *changes)) == 1
    assert "Traceback" not in told.getvalue()
    return told.getvalue()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["task.context=60"], "task.context=60: expected more than the "),
        (
            ["policy=truncate", "policy.size=60"],
            "tokens that question 7_1 takes without its document. Raise policy.size.",
        ),
        (["task.context=255"], "task.context=255: expected at most "),
        (["task.max_new_tokens=200"], "as the model was made for 256 positions; the longest prompt has 1"),
        (["task.chat=true"], "task.chat=true: expected auto or false, as tiny-llama has no chat template"),
        (["task.prompt=mine"], "task.prompt=mine: expected one of paper, zero_scrolls"),
        (
            ["task.prompts.paper.text=x"],
            "task.prompts.paper.text=x: expected a text with {document} and {question} in it",
        ),
        (["limit=0"], "limit=0: expected at least 1"),
        (["task.batch_size=0"], "task.batch_size=0: expected at least 1"),
    ],
)
def test_what_cannot_be_asked_is_one_message(changes: list[str], message: str, asked: list[str]) -> None:
    assert message in refused(asked, *changes)


@pytest.mark.parametrize("answers_of_one", [(), ("nobody", "")])
def test_some_references_missing_is_one_message(
    answers_of_one: tuple[str, ...], asked: list[str], tmp_path: Path
) -> None:
    entries = [story("7"), story("8", answers=answers_of_one), story("9")]
    path = write_stories(tmp_path / "dev.jsonl", entries)
    told = refused(asked, f"data.path={path}", "data.allow_mismatch=true")
    assert "expected references for each question, or for none; 8_1 lacks one (1 questions do)" in told


def test_what_prompts_share() -> None:
    assert shared([[1, 2, 3, 4], [1, 2, 5], [1, 2, 3]]) == 2
    assert shared([[1, 2], [1, 2, 3]]) == 1  # one is left to each
    assert shared([[1, 2, 3]]) == 2 and shared([[2], [1]]) == 0


def test_the_kind_is_what_most_gave() -> None:
    from reattend.data import Question

    def kind(*kinds: str) -> str:
        return kind_of(Question("i", "d", "t", "x", "q", ("a",) * len(kinds), kinds))

    assert [kind("free", "yes_no", "yes_no"), kind("free", "yes_no"), kind()] == ["yes_no", "free", ""]
