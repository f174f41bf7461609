"""ZeroSCROLLS out of miniature zips: offsets, several references of one question, private gold, and the hub's cache."""

import hashlib
import json
import lzma
import zipfile
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import OfflineModeIsEnabled
from tiny import options

from reattend.data import Questions, build_questions
from reattend.settings import SettingError

INSTRUCTION = "You are given a scientific article and a question.\n\nArticle:\n"
DOCUMENT, OTHER = "Introduction\nWir üben 𝒳 hier.", "Another paper."


def row(key: str, question: str, output: str | None, document: str = DOCUMENT, pid: int = 0) -> dict[str, Any]:
    query = f"Question:\n{question}\n\n"
    start = len(INSTRUCTION) + len(document) + 2
    return {
        "id": key,
        "pid": f"{key}_{pid}",
        "input": f"{INSTRUCTION}{document}\n\n{query}Answer:\n",
        "output": output,
        "document_start_index": len(INSTRUCTION),
        "document_end_index": len(INSTRUCTION) + len(document),
        "query_start_index": start,
        "query_end_index": start + len(query),
        "truncation_seperator": "... [The rest of the article is omitted]\n\n",
    }


VALIDATION = [
    row("a", "What is it?", "a thing"),
    row("b", "Who is it?", "someone", OTHER),
    row("a", "What is it?", "a thing", pid=1),
    row("c", "Is it?", "Yes"),
]
TEST = [row(f"t{number}", "Why?", None, f"paper {number // 2}") for number in range(500)]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in rows).encode()


def packed(path: Path, **splits: list[dict[str, Any]]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for split, rows in splits.items():
            archive.writestr(f"{path.stem}/{split}.jsonl", lines(rows))
    return path


def asked(path: Path | None, **changed: Any) -> Questions:
    return build_questions({**options("data")["zero_scrolls"], "path": path and str(path), **changed})


@pytest.mark.parametrize("kind", ["zip", "jsonl.xz", "folder", "folder of the zip"])
def test_documents_questions_and_references_by_their_offsets(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl.xz"
    if "zip" in kind:
        path = packed(tmp_path / "qasper.zip", validation=VALIDATION, test=TEST)
    elif kind == "folder":
        (tmp_path / "qasper").mkdir()
        (tmp_path / "qasper" / "validation.jsonl").write_bytes(lines(VALIDATION))
    else:
        path.write_bytes(lzma.compress(lines(VALIDATION)))
    read = asked(tmp_path if kind.startswith("folder") else path)
    found = [(q.id, q.text, q.question, q.answers) for q in read.questions()]
    assert found == [
        ("a", DOCUMENT, "What is it?", ("a thing", "a thing")),
        ("c", DOCUMENT, "Is it?", ("Yes",)),
        ("b", OTHER, "Who is it?", ("someone",)),
    ]
    first, second, third = read.questions()
    assert first.document_id == second.document_id == hashlib.sha256(DOCUMENT.encode()).hexdigest()[:12]
    assert third.document_id != first.document_id and read.counts() == (2, 3, 4)
    assert [q.id for q in asked(read.prepare(), limit=1).questions()] == ["a", "c"]


def test_private_gold_is_no_answer(tmp_path: Path) -> None:
    read = asked(packed(tmp_path / "qasper.zip", test=TEST), split="test")
    assert read.counts() == (250, 500, 0) and {q.answers for q in read.questions()} == {()}
    assert "a reference" not in read.describe() and read.identity()["source"] == "qasper.zip, qasper"
    whole = tmp_path / "mine.jsonl"
    whole.write_bytes(lines(TEST))
    assert asked(whole, split="auto", limit=3).split == "test"
    with pytest.raises(SettingError, match=r"of validation, found .*500 questions.*: this is the test split"):
        asked(whole, split="validation", limit=3).questions()
    empty = [entry | {"output": ""} for entry in TEST]
    assert asked(packed(tmp_path / "qasper.zip", test=empty), split="test").counts().references == 0


@pytest.mark.parametrize(("task", "whole"), [("qasper", 500), ("squality", 260)])
def test_the_test_split_has_its_published_size(task: str, whole: int, tmp_path: Path) -> None:
    path = packed(tmp_path / f"{task}.zip", test=TEST[:100])
    with pytest.raises(SettingError, match=f"expected {whole} questions of test, found 100. Fetch the whole file, or"):
        asked(path, task=task, split="test").questions()
    read = asked(path, task=task, split="test", allow_mismatch=True)
    assert read.identity()["mismatch"] == f"100 of {whole} questions"


def test_a_damaged_file_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    for changed, message in (
        ({"query_end_index": 9_999}, "line 1 of a.jsonl has a query from "),
        ({"document_start_index": None}, r"line 1 of a.jsonl has no 'document_start_index' \(a whole number\)"),
        ({"input": None}, r"line 1 of a.jsonl has no 'input' \(text\)"),
        ({"id": 3}, r"line 1 of a.jsonl has no 'id' \(text\)"),
    ):
        path.write_bytes(lines([VALIDATION[0] | changed]))
        with pytest.raises(SettingError, match=message):
            asked(path).questions()
    with pytest.raises(SettingError, match=r"expected squality/validation\.jsonl in it"):
        asked(packed(tmp_path / "qasper.zip", validation=VALIDATION), task="squality").questions()
    (tmp_path / "cut.zip").write_bytes((tmp_path / "qasper.zip").read_bytes()[:-40])
    with pytest.raises(SettingError, match="expected a whole archive"):
        asked(tmp_path / "cut.zip").questions()


def test_the_hub_serves_or_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*args: Any, **kwargs: Any) -> Any:
        raise OfflineModeIsEnabled("no network here")

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(huggingface_hub.HfApi, "repo_info", offline)
    with pytest.raises(SettingError, match=r"place qasper\.zip by hand: data\.path=FILE"):
        asked(None).questions()
    home = tmp_path / "datasets--tau--zero_scrolls"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("0" * 40)
    (folder := home / "snapshots" / ("0" * 40)).mkdir(parents=True)
    packed(folder / "qasper.zip", validation=VALIDATION)
    assert len(asked(None).questions()) == 3 and asked(None).source == "tau/zero_scrolls@main, qasper"
