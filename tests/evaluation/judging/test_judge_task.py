"""A judge compares stories: both orders, verdicts, what is dropped, missing or gone on with, and where no key is."""

import json
from pathlib import Path
from typing import Any

import pytest
from compared import KEY, STORIES, Judge, by_taste, scripted
from composed import command
from evaluated import composed
from stub_judge import Told, served

from reattend.evaluation import run_task
from reattend.evaluation.judging.verdicts import question
from reattend.evaluation.unfinished import Interrupted
from reattend.records import JudgementRecord, read_record
from reattend.settings import SettingError


def test_both_orders_are_asked_and_must_agree(judge: Judge) -> None:
    with served(by_taste) as stub:
        record = judge(stub)
    asked = [body["messages"][0]["content"] for body in stub.asked]
    assert asked == [
        question(f"Tell {n}.", *texts[::order]) for n, texts in STORIES.items() if n != 3 for order in (1, -1)
    ]
    verdicts = [(one["number"], one["verdict"], one["asked"], one["picks"]) for one in record.comparisons]
    assert verdicts == [
        (0, "first", True, ["A", "B"]),
        (1, "second", True, ["B", "A"]),
        (2, "tie", True, ["A", "A"]),  # whatever stands first
        (3, "tie", False, []),  # equal texts
        (4, "first", True, ["A", "B"]),
    ]
    assert record.comparisons[0]["answers"] == ["(A)", "(B)."]
    assert {key: (m.sum, m.count) for key, m in record.metrics.items()} == {
        "first_share": (2, 5),
        "tie_share": (2, 5),
        "second_share": (1, 5),
    }
    assert record.judge == {"model": "m", "answered_as": ["stub-1"]}
    assert [side["name"] for side in (record.sides["first"], record.sides["second"])] == ["one", "two"]
    assert record.dropped == {"pairs": 0, "differ": 0}


def test_stories_that_ended_untouched_are_dropped(judge: Judge, tmp_path: Path) -> None:
    lines = (tmp_path / "one.jsonl").read_text().splitlines()
    for path, early in ((tmp_path / "one.jsonl", {0, 2, 3}), (tmp_path / "two.jsonl", {0, 1, 3})):
        stories = [json.loads(line) for line in path.read_text().splitlines()]
        told = [json.dumps(story | {"untouched": story["number"] in early}) + "\n" for story in stories]
        path.write_text("".join(told))
    assert len(lines) == 5
    with served(by_taste) as stub:
        record = judge(stub)
    assert [one["number"] for one in record.comparisons] == [1, 2, 4]
    assert record.dropped == {"pairs": 2, "differ": 1}  # 3 is equal, 0 should have been


def test_no_answer_and_no_option_are_missing_never_a_tie(judge: Judge) -> None:
    nonsense = Told("Both have their charm.")
    with scripted({0: nonsense, 3: Told(status=400, body="too long"), 5: Told(body="<html>")}) as stub:
        record = judge(stub, "judge.retries=0")
    assert [one["verdict"] for one in record.comparisons] == ["missing", "missing", "missing", "tie", "first"]
    first, second, third, *_ = record.comparisons
    assert first["answers"] == ["Both have their charm.", "(B)."] and first["picks"] == [None, "B"]
    assert first["problems"] == ["names no option", None]
    assert second["problems"] == [None, "HTTP 400: too long; tried 1 times"] and second["answers"] == ["(B).", None]
    assert third["problems"][1] == "no chat completion; HTTP 200: <html>"
    assert record.metrics["tie_share"].count == 2  # of five


def test_rate_limits_are_waited_for_and_a_server_that_stays_down_is_missing(judge: Judge) -> None:
    limit, down = Told(status=429, body="slow down"), Told(status=503, body="down")
    with scripted({0: limit, 1: limit} | dict.fromkeys(range(4, 40), down)) as stub:
        record = judge(stub, "judge.retries=2")
    assert [one["verdict"] for one in record.comparisons] == ["first", "missing", "missing", "tie", "missing"]
    assert record.comparisons[1]["problems"] == ["HTTP 503: down; tried 3 times"] * 2
    assert len(stub.asked) == 4 + 3 * 6


def test_an_interrupted_run_asks_only_what_is_left(judge: Judge) -> None:
    with served(by_taste) as stub:
        whole = judge(stub, "name=whole")
    with served(by_taste) as stub:
        url = f"judge.url={stub.url}"
        plain = stub.answer
        stub.answer = lambda asked, number: Told(status=401, body="revoked") if number == 4 else plain(asked, number)
        with pytest.raises(SettingError, match="What was judged so far is kept"):
            judge(stub, "name=run", url)
        stub.answer, before = plain, len(stub.asked)
        record = judge(stub, "name=run", url)
        assert (before, len(stub.asked)) == (5, 5 + 4)
        assert record.comparisons == whole.comparisons
        judge(stub, "name=run", url)
        assert len(stub.asked) == 9  # finished before


def test_ctrl_c_keeps_what_was_judged(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    from reattend.evaluation.judging import run

    plain, asked = run.compare, []

    def compare(*given: Any) -> Any:
        if len(asked) == 2:
            raise KeyboardInterrupt
        asked.append(given)
        return plain(*given)

    monkeypatch.setattr(run, "compare", compare)
    with served(by_taste) as stub, pytest.raises(Interrupted, match="run: stopped after 2 of 5 comparisons"):
        judge(stub, "name=run")


def test_the_key_is_in_no_output_and_no_file(
    judge: Judge, files: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    told = {0: Told(f"(A) {KEY}"), 1: Told(status=500, body=KEY), 2: Told(status=400, body=f"key {KEY} is odd")}
    with scripted(told) as stub:
        given = [*files, f"judge.url={stub.url}", "judge.key_variable=STUB_KEY", "name=run"]
        assert command("evaluate", "task=judge", *given) == 0
        stub.answer = lambda asked, number: Told(status=401, body=f"Incorrect API key provided: {KEY}")
        assert command("evaluate", "task=judge", *given, "force=true") == 1
    assert all(sent["Authorization"] == f"Bearer {KEY}" for sent in stub.headers)
    said = capfd.readouterr()
    assert "[key]" in said.err and KEY not in said.out + said.err + caplog.text
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "run.json" for path in written)
    assert all(KEY.encode() not in path.read_bytes() for path in written)


def test_the_summary_counts(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with scripted({0: Told("Hm.")}) as stub:
        assert command("evaluate", "task=judge", *files, f"judge.url={stub.url}", "judge.key_variable=null") == 0
    told = capsys.readouterr().out
    assert "one against two, judged by gpt-4-0613\n  5 comparisons: 1 won, 2 ties, 1 lost, 1 missing" in told
    assert "missing: names no option" in told


def test_limit_compares_the_first_ones(judge: Judge) -> None:
    with served(by_taste) as stub:
        record = judge(stub, "limit=2")
    assert [one["number"] for one in record.comparisons] == [0, 1] and len(stub.asked) == 4


@pytest.mark.usefixtures("at_once")
def test_stories_of_two_records_are_judged_and_reported(model: Path, tmp_path: Path) -> None:
    results = tmp_path / "r"
    count = 16
    told = [f"task.count={count}", "task.prompt=Deich", "task.longest=24", "task.temperature=1.0"]
    lm = ["lm=pretrained", f"lm.path={model}", "lm.device_map=cpu", f"results_dir={results}", "progress=false"]
    for name, policy in (("everything", ["policy=full"]), ("little", ["policy=window", "policy.size=16"])):
        run_task(composed(["experiment=tova_stories", *told, *lm, *policy, f"name={name}"]))
    untouched = [
        {story["number"] for story in map(json.loads, path.read_text().splitlines()) if story["untouched"]}
        for path in sorted((results / "predictions").iterdir())
    ]
    early = untouched[0] & untouched[1]
    with served(lambda asked, number: Told("(A)")) as stub:
        given = ["task=judge", "first=little", "second=everything", f"results_dir={results}", "name=judged"]
        run_task(composed([*given, f"judge.url={stub.url}", "judge.key_variable=null", "progress=false"]))
    record = read_record(results / "runs" / "judged.json")
    assert isinstance(record, JudgementRecord)
    assert record.dropped == {"pairs": len(early), "differ": 0} and 0 < len(early) < count
    assert {one["number"] for one in record.comparisons} == {*range(count)} - early
    assert {one["verdict"] for one in record.comparisons} == {"tie"}
    assert command("report", f"results_dir={results}", "table=stories") == 0
    text = (results / "tables" / "stories.md").read_text()
    assert f"window 16 against full: of {count - len(early)} comparisons none was decided" in text

    path = results / "predictions" / "little.jsonl"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(SettingError, match=r"^first=little: expected a record whose stories lie unchanged in"):
        run_task(composed([*given, "force=true"]))
    with pytest.raises(SettingError, match=r"^first=judged: expected a record of task=stories"):
        run_task(composed([*given, "first=judged"]))
