"""Many evaluations in one command: each recorded once, shown while it runs, and all of them in one table."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from composed import command
from evaluated import replaced

from reattend.records import EvaluationRecord, read_records

Evaluate = Callable[..., EvaluationRecord]


def test_a_sweep_skips_what_is_finished_and_ends_in_a_table(
    given: list[str], evaluate: Evaluate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evaluate("policy=full")
    sweep = ["-m", *given, "policy=window,tova", "policy.size=4,8"]
    assert command("evaluate", *sweep) == 0
    runs = tmp_path / "results" / "runs"
    bounded = [record.config["policy"] for record in read_records(runs) if "size" in record.config["policy"]]
    assert {(p["name"], p["size"]) for p in bounded} == {("window", 4), ("window", 8), ("tova", 4), ("tova", 8)}
    before = {path.name: path.stat().st_mtime_ns for path in runs.iterdir()}
    capsys.readouterr()
    assert command("evaluate", *sweep) == 0
    assert capsys.readouterr().out.count("finished before, see") == 4
    assert before == {path.name: path.stat().st_mtime_ns for path in runs.iterdir()}
    assert command("report", f"results_dir={tmp_path / 'results'}", "table=perplexity") == 0
    table = capsys.readouterr().out
    for row in ("full", "window", "tova"):
        assert re.search(rf"^\| {row}\b", table, re.MULTILINE), table
    assert (tmp_path / "results" / "figures" / "perplexity.png").exists()


def test_a_job_that_cannot_be_is_named_and_the_others_are_done(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("evaluate", "-m", *given, "policy=window_sinks", "policy.size=4,8") == 1
    told = capsys.readouterr().err
    assert "policy.first=4: expected from 0 to 3, less than policy.size=4" in told and "Traceback" not in told
    assert [r.config["policy"]["size"] for r in read_records(tmp_path / "results" / "runs")] == [8]


def test_progress_is_a_line_a_chunk_away_from_a_terminal(
    given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("evaluate", *replaced(given, "progress=true", "policy=tova", "policy.size=8", "max_tokens=100")) == 0
    told = capsys.readouterr()
    (record,) = read_records(tmp_path / "results" / "runs")
    first, second, third = told.err.splitlines()
    assert first.startswith("tova 8:        47 of 97 tokens  book from 0: ")
    assert second.startswith("tova 8:        94 of 97 tokens  book from 48: ")
    assert third.startswith("tova 8:        97 of 97 tokens  book from 96: ") and third.endswith(" tokens/s")
    total = float(third.partition("so far ")[2].split()[0].replace(",", ""))
    assert f"{total:,.2f}" in told.out and record.metrics["nats_per_token"].count == 97


def test_progress_is_a_bar_with_the_perplexity_so_far_in_a_terminal(
    given: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert command("evaluate", *replaced(given, "progress=true", "policy=full", "max_tokens=100")) == 0
    told = capsys.readouterr().err
    assert "full: 100%" in told and "perplexity " in told and "of 97 tokens" not in told


def test_nothing_is_shown_where_that_is_asked_for(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command("evaluate", *given, "policy=full", "max_tokens=50") == 0
    assert capsys.readouterr().err == ""
