"""Question sets in miniature: limits, counts that are not the published ones, damage, and what the record keeps."""

import gzip
import hashlib
import json
import lzma
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tiny import options

from reattend.data import Question, Questions, build_data, build_questions, squality
from reattend.data.counts import Counts
from reattend.settings import SettingError

SCRIPT = Path(__file__).parents[2] / "scripts" / "fetch.py"


def story(book: str, text: str = "It rained.\r\nIt stopped.", questions: int = 2, **changed: Any) -> dict[str, Any]:
    asked = [
        {
            "question_text": f"What of {number}?",
            "question_number": number,
            "responses": [{"worker_id": "1", "uid": "u", "response_text": f"{book} {number} {n}"} for n in "ab"],
        }
        for number in range(1, questions + 1)
    ]
    return {
        "metadata": {"passage_id": book, "uid": "x", "license": "y"},
        "document": text,
        "questions": asked,
    } | changed


def lines(*entries: Any) -> bytes:
    return "".join(json.dumps(entry) + "\n" for entry in entries).encode()


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dev split of 3 stories, 6 questions and 12 references."""
    monkeypatch.setattr(squality, "COUNTS", {"dev": Counts(3, 6, 12)})


WHOLE = lines(story("7"), story("8", "One day."), story("9"))


def stories(path: Path | None, **changed: Any) -> Questions:
    return build_questions({**options("data")["squality"], "split": "dev", "path": path and str(path), **changed})


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".xz", lzma.compress), (".gz", gzip.compress)])
@pytest.mark.parametrize("folder", [False, True])
def test_a_story_is_asked_several_questions(suffix: str, pack: Any, folder: bool, tmp_path: Path) -> None:
    path = tmp_path / f"dev.jsonl{suffix}"
    path.write_bytes(pack(WHOLE))
    read = stories(tmp_path if folder else path)
    assert read.prepare() == path and read.mismatch() is None and read.counts() == (3, 6, 12)
    assert read.questions()[1] == Question(
        id="7_2",
        document_id="7",
        title="Project Gutenberg 7",
        text="It rained.\nIt stopped.",
        question="What of 2?",
        answers=("7 2 a", "7 2 b"),
    )
    assert [question.id for question in read.questions()] == ["7_1", "7_2", "8_1", "8_2", "9_1", "9_2"]


def test_so_many_questions_and_no_more_documents_than_these_are_about(tmp_path: Path) -> None:
    path = tmp_path / "dev.jsonl"
    path.write_bytes(WHOLE)
    read = stories(path).at_most(3)
    assert [question.id for question in read.questions()] == ["7_1", "7_2", "8_1"]
    assert (read.counts(), read.mismatch()) == ((2, 3, 6), None) and read.identity()["questions"] == 3
    assert read.at_most(4).counts() == (2, 4, 8)  # the last document's last one
    assert stories(path, limit=1).at_most(3).counts() == (1, 2, 4)


def test_a_limit_counts_documents(tmp_path: Path) -> None:
    path = tmp_path / "dev.jsonl"
    path.write_bytes(WHOLE)
    read = stories(path, limit=2)
    assert [question.id for question in read.questions()] == ["7_1", "7_2", "8_1", "8_2"] and read.mismatch() is None
    with pytest.raises(SettingError, match=r"data\.limit=0: expected at least 1"):
        stories(path, limit=0)
    path.write_bytes(WHOLE + b"{damaged")  # what is behind the limit decides which split it is
    with pytest.raises(SettingError, match=r"expected JSON; line 4 of dev\.jsonl is none"):
        stories(path, limit=2).questions()


@pytest.mark.parametrize("limit", [1, 2, None])
def test_a_limit_hides_no_other_counts(limit: int | None, tmp_path: Path) -> None:
    path = tmp_path / "dev.jsonl"
    path.write_bytes(lines(story("7"), story("8")))
    for read in (stories(path, limit=limit), stories(path).at_most(limit)):
        with pytest.raises(SettingError, match="3 documents, 6 questions, 12 references of dev, found 2, 4, 8"):
            read.questions()
    told = stories(path, limit=1, allow_mismatch=True).identity()
    assert told["mismatch"] == "2 of 3 documents, 4 of 6 questions, 8 of 12 references" and told["documents"] == 1


@pytest.fixture
def splits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squality, "COUNTS", {"dev": Counts(3, 6, 12), "test": Counts(2, 4, 8)})


@pytest.mark.parametrize(("entries", "split"), [("789", "dev"), ("78", "test")])
def test_a_file_is_the_split_whose_counts_it_has(entries: str, split: str, splits: None, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(lines(*map(story, entries)))
    read = stories(path, split="auto", limit=1)
    assert (read.split, read.mismatch(), read.identity()["split"]) == (split, None, split)
    other = {"dev": "test", "test": "dev"}[split]
    with pytest.raises(SettingError, match=rf": this is the {split} split\. Set data\.split={split}\."):
        stories(path, split=other, limit=1).questions()
    told = stories(path, split=other, limit=1, allow_mismatch=True).identity()
    assert told["split"] == other and told["mismatch"].endswith(f"references, its counts are those of {split}")


def test_a_part_of_a_file_is_of_no_split_by_itself(splits: None, tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(lines(story("7")))
    with pytest.raises(SettingError) as refused:
        stories(path, split="auto", limit=1).questions()
    assert str(refused.value).endswith("allow_mismatch=true, with data.split for what it is a part of.")
    assert stories(path, split="auto", allow_mismatch=True).identity()["split"] == "test"
    (tmp_path / "test.jsonl").write_bytes(lines(story("7"), story("8")))
    assert stories(tmp_path, split="auto").prepare().name == "test.jsonl"
    assert stories(None, split="auto").split == "test"


def test_a_blank_reference_is_one_message(tmp_path: Path) -> None:
    blank = story("8")
    blank["questions"][1]["responses"][0]["response_text"] = " \n"
    path = tmp_path / "dev.jsonl"
    path.write_bytes(lines(story("7"), blank, story("9")))
    with pytest.raises(SettingError, match=r"expected references that are not blank; one of question 8_2 is\. "):
        stories(path).questions()


def test_references_that_are_all_blank_are_hidden(tmp_path: Path) -> None:
    hidden = [story(book) for book in "789"]
    for entry in hidden:
        for asked in entry["questions"]:
            asked["responses"] = [{"response_text": ""}, {"response_text": " "}]
    path = tmp_path / "dev.jsonl"
    path.write_bytes(lines(*hidden))
    read = stories(path, allow_mismatch=True)
    assert {question.answers for question in read.questions()} == {()}
    assert read.mismatch() == "0 of 12 references" and read.counts() == (3, 6, 0)


@pytest.mark.parametrize("limit", [None, 4])
def test_other_counts_than_published_are_refused_or_told(limit: int | None, tmp_path: Path) -> None:
    path = tmp_path / "half.jsonl"
    path.write_bytes(lines(story("7"), story("8", questions=1)))
    with pytest.raises(SettingError) as refused:
        stories(path, limit=limit).questions()
    assert str(refused.value) == (
        f"data.path={path}: expected 3 documents, 6 questions, 12 references of dev, found 2, 3, 6. "
        "Fetch the whole file, or set data.allow_mismatch=true."
    )
    read = stories(path, limit=limit, allow_mismatch=True)
    told = "2 of 3 documents, 3 of 6 questions, 6 of 12 references"
    assert read.identity()["mismatch"] == told and f"\n  mismatch {told}\n" in read.describe()


def test_a_single_missing_reference_is_noticed(tmp_path: Path) -> None:
    short = story("9")
    short["questions"][1]["responses"].pop()
    path = tmp_path / "dev.jsonl"
    path.write_bytes(lines(story("7"), story("8"), short))
    with pytest.raises(SettingError, match=r"expected 12 references of dev, found 11\. "):
        stories(path).questions()


def test_the_record_and_the_description(tmp_path: Path) -> None:
    path = tmp_path / "dev.jsonl"
    path.write_bytes(WHOLE)
    assert stories(path).identity() == {
        "name": "squality",
        "source": "dev.jsonl",
        "licence": squality.Squality.licence,
        "sha256": hashlib.sha256(WHOLE).hexdigest(),
        "split": "dev",
        "documents": 3,
        "questions": 6,
        "references": 12,
    }
    assert [" ".join(line.split()) for line in stories(path).describe().splitlines()[3:]] == [
        "split dev: 3 documents, 6 questions, 12 references",
        "words of min median max",
        "a document 2 4 4",
        "a question 3 3 3",
        "a reference 3 3 3",
    ]


HALF = story("7", "half \ud83d of a pair")
NO_NUMBER = story("7", questions=1)
NO_NUMBER["questions"][0].pop("question_number")
NO_TEXT = story("7", questions=1)
NO_TEXT["questions"][0]["responses"][0]["response_text"] = None
DAMAGED: dict[str, tuple[str, bytes, str]] = {
    "gone": ("", b"", "an existing file or folder. "),
    "empty": ("a.jsonl", b"\n\n", "at least one question. "),
    "no JSON": ("a.jsonl", lines(story("7")) + b"\n{", "JSON; line 3 of a.jsonl is none ("),
    "latin1": ("a.jsonl", b'{"document": "\xfc"}', "JSON; line 1 of a.jsonl is none ("),
    "deep": ("a.jsonl", b"[" * 100_000, "JSON; line 1 of a.jsonl is none ("),
    "no object": ("a.jsonl", b"[]", "the layout of squality; line 1 of a.jsonl has no 'passage_id' (text). "),
    "no document": ("a.jsonl", lines(story("7", document=None)), "line 1 of a.jsonl has no 'document' (text). "),
    "no list": ("a.jsonl", lines(story("7") | {"questions": {}}), "has no 'questions' (a list). "),
    "no number": ("a.jsonl", lines(NO_NUMBER), "has no 'question_number' (a whole number). "),
    "no response": ("a.jsonl", lines(NO_TEXT), "has no 'response_text' (text). "),
    "blank": ("a.jsonl", lines(story("7", " \n")), "texts that are not empty; one of question 7_1 is. "),
    "twice": ("a.jsonl", lines(story("7"), story("7")), "each question once; 7_1 comes again. "),
    "half a pair": ("a.jsonl", lines(HALF), "Unicode text; half a surrogate pair is in 7_1. "),
    "cut xz": ("a.jsonl.xz", lzma.compress(WHOLE)[:-20], "a whole .xz file ("),
    "no gz": ("a.jsonl.gz", b"plain", "a whole .gz file ("),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_file_is_one_message(kind: str, tmp_path: Path) -> None:
    name, content, message = DAMAGED[kind]
    path = tmp_path / (name or "gone")
    if name:
        path.write_bytes(content)
    with pytest.raises(SettingError) as refused:
        stories(path, allow_mismatch=True).questions()
    told = str(refused.value)
    assert told.startswith(f"data.path={path}: expected ") and message in told and "\n" not in told


def test_a_folder_must_hold_the_split(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(WHOLE)
    with pytest.raises(SettingError, match=r"expected a folder with dev\.jsonl in it\. Name another folder"):
        stories(tmp_path).questions()


@pytest.mark.parametrize(
    ("name", "splits"),
    [
        ("squality", "auto, train, dev, test"),
        ("qasper", "auto, train, dev, test"),
        ("zero_scrolls", "auto, validation, test"),
    ],
)
def test_an_unknown_split_names_the_known_ones(name: str, splits: str) -> None:
    with pytest.raises(SettingError, match=rf"^data\.split=valid: expected one of {splits}\. "):
        build_questions({**options("data")[name], "split": "valid"})


def test_question_sets_are_data_but_neither_documents_nor_a_corpus() -> None:
    assert isinstance(build_data(options("data")["squality"]), Questions)
    with pytest.raises(SettingError, match=r"data=books: expected one of qasper, squality, zero_scrolls\. "):
        build_questions(options("data")["books"])


def test_fetch_prints_them_without_torch(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_bytes(WHOLE)
    known = f"data={{'name': 'squality', 'split': 'dev', 'path': {str(path)!r}, 'allow_mismatch': True}}"
    code = (
        f"import sys; from reattend.data import build_data; {known}; build_data(data).describe();"
        "sys.exit(bool({'torch', 'datasets', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    arguments = ["data=squality", f"data.path={path}", "data.split=dev"]
    told = subprocess.run([sys.executable, SCRIPT, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 1 and "expected 25 documents, 125 questions, 500 references of dev" in told.stderr
    assert "Traceback" not in told.stderr
