"""Questions in miniature, a tiny Llama that answers them in this process, and its answers token by token."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from evaluated import composed

from reattend.cache import build_policy
from reattend.evaluation import run_task
from reattend.models.language import LanguageModel, build_lm
from reattend.models.reading import begin
from reattend.records import AnswersRecord, read_record, run_name

Ask = Callable[..., AnswersRecord]
SIZE, NEW, CONTEXT = 24, 8, 160
TAIL = "\n\nAnswer the question in a paragraph.\n\nQuestion:\n{}\n\nAnswer:"
STORIES = {
    "7": "It rained over the wide river, and nobody came. " * 3,
    "8": "Zwölf Boxkämpfer jagen Viktor quer über den Deich. " * 2,
    "9": "One day. ",
}
ASKED = {
    "7": ["Who came?", "What did it do over the river, and for how long was that?", "Why?"],
    "8": ["Wer jagt?"],
    "9": ["When?", "What is the plot of the story?"],
}


def story(book: str, *, answers: tuple[str, ...] = ("nobody came", "It rained over the river.")) -> dict[str, Any]:
    asked = [
        {
            "question_text": text,
            "question_number": number,
            "responses": [{"response_text": f"{answer} {number}" if answer else " "} for answer in answers],
        }
        for number, text in enumerate(ASKED[book], 1)
    ]
    return {"metadata": {"passage_id": book}, "document": STORIES[book], "questions": asked}


def write_stories(path: Path, entries: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return path


def answers(arguments: list[str]) -> AnswersRecord:
    """The record of such a command."""
    config = composed(arguments)
    print(run_task(config))
    record = read_record(Path(config["results_dir"]) / "runs" / f"{run_name(config)}.json")
    assert isinstance(record, AnswersRecord)
    return record


def load(model: Path) -> LanguageModel:
    return build_lm({"name": "any", "loader": "pretrained", "path": str(model), "device_map": "cpu"}).load()


def saved(record: AnswersRecord) -> list[dict[str, Any]]:
    """The lines beside a record."""
    path = Path(record.config["results_dir"]) / "predictions" / record.predictions["name"]
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


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
