"""An evaluation that is stopped goes on after its last finished chunk, and only with what it began with."""

import dataclasses
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from composed import command, result
from tiny_llama import byte_pairs, llama, save

from reattend import jobs
from reattend.evaluation.scoring import texts
from reattend.evaluation.scoring.reader import Reader
from reattend.evaluation.unfinished import Interrupted
from reattend.records import EvaluationRecord
from reattend.settings import SettingError

Evaluate = Callable[..., EvaluationRecord]
Stops = Callable[[int | None], list[int]]
POLICY = ["policy=window", "policy.size=8", "name=run"]


@pytest.fixture
def stops(monkeypatch: pytest.MonkeyPatch) -> Stops:
    """read = stops(n): where the chunks start that are read from now on; Ctrl-C after n of them, None: never."""
    plain = Reader.part

    def after(chunks: int | None) -> list[int]:
        read: list[int] = []

        def part(self: Reader, text: Any, tokens: Any, piece: range) -> Any:
            if len(read) == chunks:
                raise KeyboardInterrupt
            read.append(piece.start)
            return plain(self, text, tokens, piece)

        monkeypatch.setattr(Reader, "part", part)
        return read

    return after


def same(record: EvaluationRecord) -> dict[str, Any]:
    """What does not depend on the clock."""
    parts = [{key: value for key, value in part.items() if key != "seconds"} for part in record.parts]
    return result(dataclasses.replace(record, parts=parts))  # type: ignore[arg-type]


def parts_file(tmp_path: Path) -> Path:
    return tmp_path / "results" / "unfinished" / "run" / "parts.jsonl"


@pytest.fixture
def interrupted(evaluate: Evaluate, stops: Stops, tmp_path: Path) -> EvaluationRecord:
    """The record of a run that was not; then two chunks of the same in tmp_path/results."""
    whole = evaluate(*POLICY, f"results_dir={tmp_path / 'whole'}")
    assert [part["start"] for part in whole.parts][:4] == [0, 48, 96, 144]
    stops(2)
    with pytest.raises(Interrupted, match="the same command goes on"):
        evaluate(*POLICY)
    assert len(parts_file(tmp_path).read_text().splitlines()) == 1 + 2
    assert not (tmp_path / "results" / "runs").exists()
    return whole


def test_the_same_command_goes_on_and_gives_the_same_record(
    interrupted: EvaluationRecord, evaluate: Evaluate, stops: Stops, tmp_path: Path
) -> None:
    read = stops(None)
    assert same(evaluate(*POLICY)) == same(interrupted)
    assert read == [part["start"] for part in interrupted.parts][2:]
    assert not parts_file(tmp_path).exists()


@pytest.mark.parametrize("rest", ['{"document": "bo', '{"document": "book", "start": 96}'])
def test_half_a_line_is_no_chunk(
    interrupted: EvaluationRecord, evaluate: Evaluate, stops: Stops, tmp_path: Path, rest: str
) -> None:
    with parts_file(tmp_path).open("a") as file:
        file.write(rest)
    read = stops(1)
    with pytest.raises(Interrupted, match="the same command goes on"):
        evaluate(*POLICY)
    read += stops(None)
    record = evaluate(*POLICY)
    assert read == [96] and same(record) == same(interrupted)


def test_a_file_cut_within_its_first_line_is_begun_anew(
    interrupted: EvaluationRecord, evaluate: Evaluate, stops: Stops, tmp_path: Path
) -> None:
    for size in (40, 0):
        os.truncate(parts_file(tmp_path), size)
        read = stops(1)
        with pytest.raises(Interrupted, match="the same command goes on"):
            evaluate(*POLICY)
        assert read == [0]
    stops(None)
    assert same(evaluate(*POLICY)) == same(interrupted)


def _another_text(book: Path) -> list[str]:
    book.write_text(book.read_text(encoding="utf-8").replace("fox", "cat"), encoding="utf-8")
    return []


def _another_size(book: Path) -> list[str]:
    return ["policy.size=9"]


def _by_force(book: Path) -> list[str]:
    return ["force=true"]


@pytest.mark.parametrize("change", [_another_text, _another_size, _by_force])
def test_what_was_begun_with_something_else_is_begun_anew(
    interrupted: EvaluationRecord, evaluate: Evaluate, stops: Stops, book: Path, change: Callable[[Path], list[str]]
) -> None:
    read = stops(None)
    record = evaluate(*POLICY, *change(book))
    assert read == [part["start"] for part in record.parts]
    assert (record.metrics == interrupted.metrics) == (change is _by_force)


def test_other_weights_in_the_same_folder_are_another_model(evaluate: Evaluate, stops: Stops, tmp_path: Path) -> None:
    words = byte_pairs()
    folder = save(tmp_path / "llama", llama(words, max_position_embeddings=256), words)
    model = [*POLICY, "lm=pretrained", "lm.device_map=cpu", f"lm.path={folder}"]
    stops(1)
    with pytest.raises(Interrupted, match="the same command goes on"):
        evaluate(*model)
    llama(words, max_position_embeddings=256, initializer_range=0.1).save_pretrained(folder)
    read = stops(None)
    evaluate(*model)
    assert read[0] == 0


def test_a_finished_evaluation_is_shown_again_without_a_model(
    evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: list[str]
) -> None:
    record = evaluate(*POLICY)
    monkeypatch.setattr(texts, "score", lambda *args, **kwargs: pytest.fail("scored"))
    capsys.readouterr()
    assert command("evaluate", *given[:-1], *POLICY, "progress=true") == 0
    finished, *table = capsys.readouterr().out.splitlines()
    assert finished.startswith("run: finished before, see ") and table[0].startswith(
        "tiny-llama (float32), policy window"
    )
    assert evaluate(*POLICY) == record
    with pytest.raises(pytest.fail.Exception, match="scored"):
        evaluate(*POLICY, "force=true")


def test_a_record_that_cannot_be_written_is_made_up_for_without_reading(
    evaluate: Evaluate, stops: Stops, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "write_record", full)
        with pytest.raises(SettingError, match="No space left on device"):
            evaluate(*POLICY)
    read = stops(None)
    assert evaluate(*POLICY).parts and read == []


def test_ctrl_c_says_what_is_finished(given: list[str], stops: Stops, capsys: pytest.CaptureFixture[str]) -> None:
    stops(1)
    assert command("evaluate", *given, *POLICY) == 130
    told = capsys.readouterr()
    assert (
        told.err == "run: stopped after 1 of 4 chunks; the same command goes on with the next, from its beginning.\n"
        and told.out == ""
    )
