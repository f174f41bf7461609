"""Stories and values that a judge cannot be asked about are one message."""

from collections.abc import Callable
from pathlib import Path

import pytest
from compared import Judge, by_taste
from stub_judge import served

from reattend.settings import SettingError


def test_other_stories_under_a_finished_name_are_refused(judge: Judge, tmp_path: Path) -> None:
    with served(by_taste) as stub:
        judge(stub, "name=run")
        path = tmp_path / "two.jsonl"
        path.write_text(path.read_text().replace("bad 4", "worse 4"))
        with pytest.raises(SettingError, match=r"^second=.*expected the stories of the record run; these are others"):
            judge(stub, "name=run")


def _lines(path: Path, edit: Callable[[list[str]], list[str]]) -> None:
    path.write_text("\n".join(edit(path.read_text().splitlines())) + "\n")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda lines: lines[:-1], "the stories with the numbers of first=.*only one of them has number 4"),
        (lambda lines: [line.replace("Tell 2", "Tell 9") for line in lines], "the prompts of first=.*story 2"),
        (lambda lines: [*lines, lines[0]], "each story once; line 6 has number 0 again"),
        (lambda lines: [*lines, "{"], "a JSON object with number, prompt and text in each line; line 6 is none"),
        (lambda lines: [*lines, '{"number": 7}'], "line 6 is none"),
        (lambda lines: [*lines, '{"number": "7", "prompt": "", "text": ""}'], "line 6 is none .number is no int"),
        (lambda lines: [], "line 1 is none"),
    ],
)
def test_files_that_do_not_fit_are_one_message(
    judge: Judge, tmp_path: Path, edit: Callable[[list[str]], list[str]], message: str
) -> None:
    _lines(tmp_path / "two.jsonl", edit)
    with served(by_taste) as stub, pytest.raises(SettingError, match=f"^second=.*{message}"):
        judge(stub)
    assert stub.asked == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("first=gone.jsonl", "first=gone.jsonl: expected an existing file"),
        ("first=gone", "first=gone: expected the name of a record in"),
        ("limit=0", "limit=0: expected at least 1"),
        ("judge.timeout=soon", "judge.timeout=soon: expected a finite number"),
        ("judge.key_variable=MY_TOKEN", "judge.key_variable=MY_TOKEN: expected the name of an environment"),
        ("judge.key_variable=NOT_EXPORTED", "judge.key_variable=...: expected the name of an environment"),
    ],
)
def test_bad_values_are_one_message(judge: Judge, change: str, message: str) -> None:
    with served(by_taste) as stub, pytest.raises(SettingError) as refused:
        judge(stub, change)
    assert str(refused.value).startswith(message)
