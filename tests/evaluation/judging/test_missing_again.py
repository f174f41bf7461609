"""What is missing is asked again by the same command, and nothing is judged twice; nothing judged is no record."""

from pathlib import Path

import pytest
from compared import KEY, STORIES, Judge, by_taste, scripted
from composed import command
from stub_judge import Stub, Told, served

from reattend.evaluation.judging.verdicts import question
from reattend.settings import SettingError, Stop

RUN = ("name=run", "judge.retries=0")


def asked(stub: Stub) -> list[str]:
    return [body["messages"][0]["content"] for body in stub.asked]


def shown(number: int, order: int) -> str:
    return question(f"Tell {number}.", *STORIES[number][::order])


def test_the_same_command_asks_for_what_is_missing_alone(judge: Judge, capsys: pytest.CaptureFixture[str]) -> None:
    with served(by_taste) as stub:
        whole = judge(stub, "name=whole")
    troubles = {1: Told("Hm."), 2: Told(status=503, body="down"), 3: Told(body="<html>", status=418)}
    with scripted(troubles) as stub:
        url = f"judge.url={stub.url}"
        first = judge(stub, *RUN, url)
        assert [one["verdict"] for one in first.comparisons] == ["missing", "missing", "tie", "tie", "first"]
        capsys.readouterr()
        stub.answer, stub.asked = by_taste, []
        second = judge(stub, *RUN, url)
        assert asked(stub) == [shown(0, -1), shown(1, 1), shown(1, -1)]
        assert "run: 2 of 5 comparisons are missing; they are asked again" in capsys.readouterr().out
        assert second.comparisons == whole.comparisons and second.metrics == whole.metrics
        assert second.judge == whole.judge
        assert second.timing["judging_seconds"] > first.timing["judging_seconds"]
        stub.asked = []
        assert judge(stub, *RUN, url) == second
        assert stub.asked == [] and "finished before" in capsys.readouterr().out


def test_what_is_missing_in_an_interrupted_run_is_asked_again(judge: Judge) -> None:
    with scripted({0: Told(status=503), 4: Told(status=401, body="revoked")}) as stub:
        url = f"judge.url={stub.url}"
        with pytest.raises(SettingError, match="What was judged so far is kept"):
            judge(stub, *RUN, url)
        stub.answer, stub.asked = by_taste, []
        record = judge(stub, *RUN, url)
    assert asked(stub) == [shown(0, 1), shown(2, 1), shown(2, -1), shown(4, 1), shown(4, -1)]
    assert [one["verdict"] for one in record.comparisons] == ["first", "second", "tie", "tie", "first"]


def test_an_interrupted_repair_keeps_what_it_judged(judge: Judge, tmp_path: Path) -> None:
    with scripted({0: Told(status=503), 3: Told(status=503)}) as stub:
        url = f"judge.url={stub.url}"
        judge(stub, *RUN, url)
        written = (tmp_path / "r" / "runs" / "run.json").read_bytes()

        def stopped(question: str, number: int) -> Told:
            return by_taste(question, number) if number == 0 else Told(status=401, body="revoked")

        stub.answer, stub.asked = stopped, []
        with pytest.raises(SettingError, match="revoked"):
            judge(stub, *RUN, url)
        assert (tmp_path / "r" / "runs" / "run.json").read_bytes() == written
        stub.answer, stub.asked = by_taste, []
        record = judge(stub, *RUN, url)
    assert asked(stub) == [shown(1, -1)]
    assert [one["verdict"] for one in record.comparisons] == ["first", "second", "tie", "tie", "first"]


def test_what_stays_missing_is_told_and_costs_nobody_the_rest(judge: Judge) -> None:
    with scripted({0: Told("Hm.")}) as stub:
        url = f"judge.url={stub.url}"
        judge(stub, *RUN, url)
        stub.answer, stub.asked = (lambda asked, number: Told(status=400, body="filtered")), []
        record = judge(stub, *RUN, url)
    assert len(stub.asked) == 1
    assert [one["verdict"] for one in record.comparisons] == ["missing", "second", "tie", "tie", "first"]
    assert record.comparisons[0]["problems"] == ["HTTP 400: filtered; tried 1 times", None]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (Told(status=400, body="Unsupported parameter: max_tokens"), "judge.request=.*Unsupported parameter: max_to"),
        (Told(status=301, headers={"Location": "https://host/"}, body=""), "judge.url=.*HTTP 301"),
        (Told(status=500, body="broken"), "run: none of 4 comparisons was judged .HTTP 500: broken; tried 1 times."),
        (Told("Hm."), "run: none of 4 comparisons was judged .names no option."),
    ],
)
def test_where_nothing_was_judged_is_no_record(judge: Judge, tmp_path: Path, told: Told, message: str) -> None:
    with served(lambda asked, number: told) as stub:
        url = f"judge.url={stub.url}"
        with pytest.raises(Stop, match=f"^{message}"):
            judge(stub, *RUN, url)
        assert not [*(tmp_path / "r").glob("runs/*")]
        stub.answer, stub.asked = by_taste, []
        record = judge(stub, *RUN, url)
        assert len(stub.asked) == 8 and record.metrics["tie_share"].count == 5


def test_a_run_that_judged_nothing_fails(files: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    with served(lambda asked, number: Told(status=500, body=KEY)) as stub:
        given = [*files, f"judge.url={stub.url}", "judge.key_variable=STUB_KEY", "judge.retries=0"]
        assert command("evaluate", "task=judge", *given) == 1
    said = capfd.readouterr()
    assert "none of 4 comparisons was judged (HTTP 500: [key]; tried 1 times)" in said.err
    assert "Traceback" not in said.err and "record" not in said.out


def test_what_was_judged_is_kept_where_a_message_says_what_to_change(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_KEY", "sk-other")
    with scripted({3: Told(status=401, body="revoked")}) as stub:
        url = f"judge.url={stub.url}"
        with pytest.raises(SettingError, match=r"^judge.key_variable=STUB_KEY.*What was judged so far is kept"):
            judge(stub, url)
        stub.answer, stub.asked = by_taste, []
        judge(stub, url, "judge.key_variable=OTHER_KEY", "judge.timeout=90", "judge.retries=7")
    assert asked(stub) == [shown(n, order) for n in (1, 2, 4) for order in (1, -1)]


def test_equal_stories_alone_need_nobody(judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "two.jsonl").write_bytes((tmp_path / "one.jsonl").read_bytes())
    with served(by_taste) as stub:
        record = judge(stub)
    assert stub.asked == [] and record.metrics["tie_share"].count == 5


def test_other_stories_are_no_repair(judge: Judge, tmp_path: Path) -> None:
    with scripted({0: Told("Hm.")}) as stub:
        url = f"judge.url={stub.url}"
        judge(stub, *RUN, url)
        path = tmp_path / "two.jsonl"
        path.write_text(path.read_text().replace("bad 4", "worse 4"))
        stub.asked = []
        with pytest.raises(SettingError, match=r"^second=.*expected the stories of the record run; these are others"):
            judge(stub, *RUN, url)
    assert stub.asked == []


def test_force_asks_everything_again(judge: Judge) -> None:
    with scripted({0: Told("Hm.")}) as stub:
        url = f"judge.url={stub.url}"
        judge(stub, *RUN, url)
        stub.answer, stub.asked = by_taste, []
        judge(stub, *RUN, url, "force=true")
    assert len(stub.asked) == 8
