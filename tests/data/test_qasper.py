"""QASPER out of miniatures of both layouts; on real papers, answers and evidence against another person's extract."""

import hashlib
import io
import json
import lzma
import tarfile
from pathlib import Path
from typing import Any

import pytest
from tiny import options

from reattend.data import Questions, build_questions, download, qasper
from reattend.data.counts import Counts
from reattend.settings import SettingError

SHARED = Path(__file__).parents[2] / "../shared/data/qasper"
MEMBER = "qasper-dev-v0.3.json"


def answer(**given: Any) -> dict[str, Any]:
    plain = {"unanswerable": False, "extractive_spans": [], "yes_no": None, "free_form_answer": "", "evidence": ["e"]}
    return {"answer": plain | given, "annotation_id": "a", "worker_id": "w"}


GOLD = {
    "Unanswerable": answer(unanswerable=True),
    "one, two": answer(extractive_spans=["one", "two"]),
    "in words": answer(free_form_answer="in words"),
    "Yes": answer(yes_no=True),
    "No": answer(yes_no=False),
}
SECTIONS = [
    {"section_name": None, "paragraphs": ["Before any heading."]},
    {"section_name": " ::: ", "paragraphs": ["", "Broken\nover lines. "]},
    {"section_name": "Method ::: Data", "paragraphs": ["First.", "Second."]},
]
PAPERS: dict[str, Any] = {
    "1909.00694": {
        "title": "A Title",
        "abstract": "An abstract.",
        "full_text": SECTIONS,
        "figures_and_tables": [{"file": "f.png", "caption": "Figure 1"}],
        "qas": [
            {"question": "What?", "question_id": "q1", "answers": [*GOLD.values(), GOLD["Yes"]]},
            {"question": "Who?", "question_id": "q2", "answers": [GOLD["in words"]]},
        ],
    },
    "2001.00001": {
        "title": "No text",
        "abstract": "Only this.",
        "full_text": [],
        "figures_and_tables": [],
        "qas": [{"question": "Why?", "question_id": "q3", "answers": [GOLD["Unanswerable"]]}],
    },
}
BODY = ["Before any heading.", "Broken over lines.", "Method ::: Data", "First.", "Second."]


def columns(rows: list[dict[str, Any]], *keys: str) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in keys}


def hub(papers: dict[str, Any]) -> bytes:
    """The same papers in the layout of allenai/qasper on the hub, written by its own rules."""
    rows = []
    for key, paper in papers.items():
        qas = columns(paper["qas"], "question", "question_id")
        qas["answers"] = [columns(asked["answers"], "answer", "annotation_id", "worker_id") for asked in paper["qas"]]
        text = columns(paper["full_text"], "section_name", "paragraphs")
        rows.append({"id": key, "title": paper["title"], "abstract": paper["abstract"], "full_text": text, "qas": qas})
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def archive(path: Path, content: bytes, member: str = MEMBER) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in (("README.md", b"read"), (member, content)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def placed(folder: Path, layout: str) -> Path:
    whole = json.dumps(PAPERS, indent=1).encode()
    if layout == "tgz":
        return archive(folder / "qasper-train-dev-v0.3.tgz", whole)
    name, content = {
        "json": ("mine.json", whole),
        "json.xz": ("mine.json.xz", lzma.compress(whole)),
        "jsonl": ("mine.jsonl", hub(PAPERS)),
        "jsonl.xz": ("mine.jsonl.xz", lzma.compress(hub(PAPERS))),
        "folder": (MEMBER, whole),
    }[layout]
    (folder / name).write_bytes(content)
    return folder if layout == "folder" else folder / name


PUBLISHED = qasper.COUNTS


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dev split of 2 papers, 3 questions and 8 answers."""
    monkeypatch.setattr(qasper, "COUNTS", {"dev": Counts(2, 3, 8)})


def papers(path: Path | None, **changed: Any) -> Questions:
    return build_questions({**options("data")["qasper"], "split": "dev", "path": path and str(path), **changed})


@pytest.mark.parametrize("layout", ["tgz", "json", "json.xz", "jsonl", "jsonl.xz", "folder"])
def test_every_layout_gives_the_same_questions(layout: str, tmp_path: Path) -> None:
    read = papers(placed(tmp_path, layout))
    first, second, third = read.questions()
    assert (first.id, first.document_id, first.title, first.question) == ("q1", "1909.00694", "A Title", "What?")
    assert first.answers == (*GOLD, "Yes") and second.answers == ("in words",)
    assert first.kinds == ("unanswerable", "extractive", "free", "yes_no", "yes_no", "yes_no")
    assert first.text.split("\n") == ["A Title", "An abstract.", *BODY] and second.text == first.text
    assert (third.id, third.text) == ("q3", "No text\nOnly this.")
    assert read.counts() == (2, 3, 8) and read.mismatch() is None and read.identity()["abstract"] is True


def test_the_text_may_begin_with_the_first_section(tmp_path: Path) -> None:
    read = papers(placed(tmp_path, "jsonl"), abstract=False)
    assert read.questions()[0].text.split("\n") == BODY
    assert read.questions()[2].text == "No text\nOnly this."  # of that paper nothing else is known
    assert read.identity()["abstract"] is False


def test_a_short_archive_is_refused_or_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qasper, "COUNTS", PUBLISHED)
    path = placed(tmp_path, "tgz")
    with pytest.raises(SettingError, match="expected 281 documents, 1,005 questions, 1,764 references of dev, found 2"):
        papers(path).questions()
    told = papers(path, allow_mismatch=True).identity()
    assert told["mismatch"] == "2 of 281 documents, 3 of 1,005 questions, 8 of 1,764 references"
    assert told["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert papers(path, limit=1, allow_mismatch=True).counts() == (1, 2, 7)


def broken(**changed: Any) -> dict[str, Any]:
    paper = PAPERS["1909.00694"] | changed
    return {"1909.00694": paper}


NOTHING = [{"question": "What?", "question_id": "q1", "answers": [answer()]}]
NULLS = [{"section_name": "A", "paragraphs": [None]}]
UNEVEN = {"section_name": ["A", "B"], "paragraphs": [["x"]]}
DAMAGED: dict[str, tuple[str, bytes, str]] = {
    "no object": ("a.json", b"[]", "an object of papers in a.json. "),
    "no JSON": ("a.json", b"{", "JSON; a.json is none ("),
    "a list of ids": ("a.json", b'{"1": 2}', "paper 1 of a.json has no 'id' (text)"),
    "no title": ("a.json", json.dumps(broken(title=None)).encode(), "paper 1909.00694 of a.json has no 'title' (text)"),
    "no text": ("a.json", json.dumps(broken(full_text="x")).encode(), "has no 'full_text' (a list of objects, or"),
    "no kind": ("a.json", json.dumps(broken(qas=NOTHING)).encode(), "has no 'yes_no' (true or false)"),
    "uneven": ("a.json", json.dumps(broken(full_text=UNEVEN)).encode(), "lists of different lengths in 'full_text'"),
    "nulls": ("a.json", json.dumps(broken(full_text=NULLS)).encode(), "something else than texts in 'paragraphs'"),
    "line": ("a.jsonl", hub(PAPERS) + b"{}\n", "line 3 of a.jsonl has no 'id' (text)"),
    "cut": ("a.json.xz", lzma.compress(b"{}")[:-9], "a whole .xz file ("),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_file_is_one_message(kind: str, tmp_path: Path) -> None:
    name, content, message = DAMAGED[kind]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SettingError) as refused:
        papers(tmp_path / name, allow_mismatch=True).questions()
    told = str(refused.value)
    assert told.startswith(f"data.path={tmp_path / name}: expected ") and message in told and "\n" not in told


def test_a_damaged_archive_is_one_message(tmp_path: Path) -> None:
    path = placed(tmp_path, "tgz")
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(SettingError, match="expected a whole archive"):
        papers(path).questions()
    with pytest.raises(SettingError, match=f"expected {MEMBER} in it"):
        papers(archive(tmp_path / "other.tgz", b"{}", member=f"deep/{MEMBER}")).questions()


TRAIN_DEV = "qasper-train-dev-v0.3.tgz"
ORIGIN = {"train": TRAIN_DEV, "dev": TRAIN_DEV, "test": "qasper-test-and-evaluator-v0.3.tgz"}


@pytest.mark.parametrize("split", ORIGIN)
def test_each_split_comes_out_of_its_archive(split: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = archive(tmp_path / "x.tgz", json.dumps(PAPERS).encode(), member=f"qasper-{split}-v0.3.json").read_bytes()
    known = (len(content), hashlib.sha256(content).hexdigest())
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(qasper, "COUNTS", {split: Counts(2, 3, 8)})
    monkeypatch.setattr(qasper, "ARCHIVES", dict.fromkeys(qasper.ARCHIVES, known))
    asked = []

    def take(url: str, part: Path) -> None:
        asked.append(url)
        part.write_bytes(content)

    monkeypatch.setattr(download, "take", take)
    read = papers(None, split=split)
    assert len(read.questions()) == 3 and papers(None, split=split).counts() == (2, 3, 8)
    assert asked == [f"https://qasper-dataset.s3.us-west-2.amazonaws.com/{ORIGIN[split]}"] == [read.source]


@pytest.mark.skipif(not SHARED.exists(), reason="the real papers are not here")
def test_real_papers_hold_the_answers_and_evidence_of_another_extract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qasper, "COUNTS", PUBLISHED)
    path = SHARED / "qasper_train_first10.hfschema.jsonl.xz"
    with pytest.raises(SettingError, match="expected 888 documents, 2,593 questions, 2,675 references of train"):
        papers(path, split="train").questions()
    read = papers(path, split="train", allow_mismatch=True, abstract=False)
    assert read.counts() == (10, 51, 68)
    extract = json.loads(lzma.decompress((SHARED / "qasper_train_qa_evidence.json.xz").read_bytes()))
    known = {(paper["title"], asked["question"]): asked for paper in extract for asked in paper["qas"]}
    spelled = {True: "Yes", False: "No"}
    compared = evidence = 0
    for question in read.questions():
        if other := known.get((question.title, question.question)):
            wanted = [
                spelled[a] if isinstance(a, bool) else a if isinstance(a, str) else ", ".join(a)
                for a in other["answer"]
            ]
            assert [a for a in question.answers if a != "Unanswerable"] == wanted
            compared += 1
            for paragraph in other["evidence"]:
                if "FLOAT SELECTED" not in paragraph:
                    assert paragraph.replace("\n", " ").strip() in question.text
                    evidence += 1
    assert compared > 40 and evidence > 40
