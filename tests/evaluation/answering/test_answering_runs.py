"""A run of questions that is stopped, finished before, without references or asked for what cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
from asked import SIZE, STORIES, Ask, saved, story, write_stories
from composed import command, result
from evaluated import replaced

from reattend.evaluation.answering.answerer import Answerer
from reattend.records import AnswersRecord


def same(record: AnswersRecord) -> dict[str, Any]:
    """What does not depend on the clock."""
    found = result(record)
    found["parts"] = [{k: v for k, v in part.items() if not k.endswith("_seconds")} for part in record.parts]
    return found


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
    assert (
        "run: stopped after 3 of 6 questions; the same command goes on with the next, from its beginning."
        in capsys.readouterr().err
    )
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
