"""Prompts are as they were printed, cut where they are too long, and in a chat where the model is made for it."""

from pathlib import Path

import pytest
from asked import ASKED, STORIES, TAIL, Ask, by_hand, load, saved
from composed import compose
from tiny import policy
from transformers import AutoTokenizer

from reattend.evaluation.answering.prompts import Form, shared


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


def test_what_prompts_share() -> None:
    assert shared([[1, 2, 3, 4], [1, 2, 5], [1, 2, 3]]) == 2
    assert shared([[1, 2], [1, 2, 3]]) == 1  # one is left to each
    assert shared([[1, 2, 3]]) == 2 and shared([[2], [1]]) == 0
