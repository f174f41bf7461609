"""A run of questions that is stopped, finished before, without references or asked for what cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
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


@pytest.mark.parametrize("hidden", [(), ("", "")], ids=["none", "blank"])
def test_private_gold_is_answered_for_the_leaderboard(
    hidden: tuple[str, ...], ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_stories(tmp_path / "dev.jsonl", [story(book, answers=hidden) for book in STORIES])
    record = ask(f"data.path={path}", "data.allow_mismatch=true", f"output={tmp_path / 'out' / 'preds.json'}")
    assert record.data["references"] == 0 and "nats_per_answer_token" not in record.metrics
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
        (["task.context=10"], "tokens that question 7_2 takes without its document. Raise task.context."),
        (
            ["task.context=null", "task.max_new_tokens=500"],
            "task.max_new_tokens=500: expected at most 1",
        ),
        (["policy=full", "positions=slots"], "positions=slots: expected original with policy=full, which keeps"),
        (["policy=truncate", "policy.size=120", "positions=compressed"], "expected original with policy=truncate"),
        (["policy=window", "policy.size=24", "positions=slots"], "expected original with policy=window, which keeps"),
        (
            ["policy=truncate", "policy.size=60"],
            "tokens that question 7_2 takes without its document. Raise policy.size.",
        ),
        (["task.context=255"], "task.context=255: expected at most "),
        (["task.max_new_tokens=120"], "as the model was made for 256 positions; the longest prompt has 1"),
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


@pytest.mark.parametrize(
    ("of_one", "message"),
    [
        ((), "expected references for each question, or for none; 8_1 lacks one (1 questions do)"),
        (("nobody", ""), "expected references that are not blank; one of question 8_1 is. Repair the file"),
        (("", ""), "expected references that are not blank; one of question 8_1 is. Repair the file"),
    ],
)
def test_some_references_missing_is_one_message(
    of_one: tuple[str, ...], message: str, asked: list[str], tmp_path: Path
) -> None:
    path = write_stories(tmp_path / "dev.jsonl", [story("7"), story("8", answers=of_one), story("9")])
    told = refused(asked, f"data.path={path}", "data.allow_mismatch=true")
    assert message in told and "not scored" not in told


def test_each_question_with_a_blank_reference_is_not_scored_by_it(asked: list[str], tmp_path: Path) -> None:
    path = write_stories(tmp_path / "dev.jsonl", [story(book, answers=("nobody", "")) for book in STORIES])
    told = refused(asked, f"data.path={path}")
    assert "expected references that are not blank; one of question 7_1 is." in told and "not scored" not in told


def test_a_finished_run_is_not_shown_for_other_questions(ask: Ask, asked: list[str], tmp_path: Path) -> None:
    ask("name=run")
    write_stories(tmp_path / "dev.jsonl", [story(book, answers=("somebody", "It rained.")) for book in STORIES])
    told = refused(asked, "name=run")
    assert "dev.jsonl: expected the questions of the record run; these are others. Say force=true" in told
    assert ask("name=run", "force=true").data["questions"] == 6


def test_the_split_is_told_by_the_file(ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("data.split=auto", "limit=1").data["split"] == "dev"
    path = write_stories(tmp_path / "mine.jsonl", [story("7"), story("9")])
    record = ask(f"data.path={path}", "data.allow_mismatch=true", "limit=1")
    told = "2 of 3 documents, 5 of 6 questions, 10 of 12 references"
    assert record.data["mismatch"] == told and record.data["questions"] == 1  # type: ignore[typeddict-item]
    said = capsys.readouterr().out
    assert f"squality dev: 1 documents, 1 questions; prompt paper\n  NOT as published: {told}\n" in said


@pytest.mark.parametrize(("rows", "chunk"), [(3, 16), (2, 16), (1, 16), (1, 4)])
def test_what_a_gpu_has_no_room_for_is_done_in_smaller_pieces(
    rows: int, chunk: int, ask: Ask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    how = ["policy=tova", f"policy.size={SIZE}"]
    whole, plain = ask(*how, "name=whole"), Answerer._batch

    def full(self: Answerer, reading: Any, same: int, cases: Any, seconds: float) -> Any:
        if len(cases) > rows or self.chunk > chunk:
            raise torch.OutOfMemoryError
        return plain(self, reading, same, cases, seconds)

    monkeypatch.setattr(Answerer, "_batch", full)
    assert saved(ask(*how, "name=halved")) == saved(whole)
    told = capsys.readouterr().err
    assert ("with task.batch_size=1" in told) == (rows < 3) and ("going on with chunk=4" in told) == (chunk == 4)


def test_a_gpu_with_room_for_nothing_is_one_message(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Answerer, *arguments: Any) -> Any:
        raise torch.OutOfMemoryError

    monkeypatch.setattr(Answerer, "_batch", full)
    told = refused(asked)
    assert "chunk=1: expected a GPU with room for the model and one state. Lower policy.size or" in told


def test_a_policy_is_named_alike_when_it_is_read_again(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    how = ["policy=tova", f"policy.size={SIZE}", "positions=compressed", "limit=1"]
    said = []
    for _ in range(2):
        ask(*how)
        said.append(next(line for line in capsys.readouterr().out.splitlines() if ", policy tova " in line))
    assert said[0] == said[1] and said[0].endswith(" scope=layer positions compressed whole=10")


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (".", "expected a file; this is a folder. Name a file in it."),
        ("dev.jsonl/a.json", "dev.jsonl bars it. Name another."),
    ],
)
def test_where_no_file_can_be_written_is_told_before_anything_is_asked(
    output: str, message: str, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answerer, "_batch", None)
    told = refused(asked, f"output={tmp_path / output}")
    assert f"output={tmp_path / output}: expected a " in told and message in told
