"""The experiments and other data of the tasks that ask questions, on a tiny decoder of bytes."""

import json
from pathlib import Path
from typing import Any

import pytest
from asked import STORIES, answers, saved, story, write_stories
from composed import checkpoint

from reattend.data import qasper, squality, zero_scrolls
from reattend.data.counts import Counts
from reattend.report import read_specs, write_report

CONF = Path(__file__).parents[3] / "conf"
GOLD = {"unanswerable": False, "extractive_spans": [], "free_form_answer": "", "yes_no": None}


def paper(key: str, *answers: dict[str, Any]) -> dict[str, Any]:
    asked = [
        {"question": "Is it?", "question_id": f"{key}-{i}", "answers": [{"answer": GOLD | answer}]}
        for i, answer in enumerate(answers)
    ]
    sections = [{"section_name": "Introduction", "paragraphs": ["We do it. It works."]}]
    return {"id": key, "title": "It", "abstract": "About it.", "full_text": sections, "qas": asked}


@pytest.fixture
def bytes_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a command needs to ask a decoder of bytes that was made for 1,024 of them."""
    monkeypatch.setattr(squality, "COUNTS", {"dev": Counts(3, 6, 12)})
    monkeypatch.setattr(qasper, "COUNTS", {"dev": Counts(2, 4, 4)})
    path = checkpoint(tmp_path / "best.ckpt", context=1024)
    lm = ["lm=checkpoint", f"lm.path={path}", "lm.device_map=cpu", "policy=tova", "policy.size=32"]
    return [*lm, "task.context=600", "task.max_new_tokens=6", f"results_dir={tmp_path / 'results'}", "progress=false"]


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    kinds: list[dict[str, Any]] = [{"unanswerable": True}, {"yes_no": True}, {"free_form_answer": "it is"}]
    entries = [paper("1", *kinds), paper("2", {"extractive_spans": ["it", "works"]})]
    return write_stories(tmp_path / "papers.jsonl", entries)


def test_squality(bytes_model: list[str], tmp_path: Path) -> None:
    path = write_stories(tmp_path / "dev.jsonl", [story(book) for book in STORIES])
    record = answers(["experiment=tova_squality", f"data.path={path}", *bytes_model])
    assert record.config["experiment"] == "tova_squality" and record.data["split"] == "dev"
    assert record.metrics["rouge1"].count == 6 and record.state["entries_per_layer"] == 32
    assert "f1/free" not in record.metrics and record.data["unit"] == "byte"


def test_qasper(bytes_model: list[str], papers: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = answers(["experiment=tova_qasper", f"data.path={papers}", "data.split=dev", *bytes_model])
    assert [part["kind"] for part in record.parts] == ["unanswerable", "yes_no", "free", "extractive"]
    assert {record.metrics[f"f1/{part['kind']}"].count for part in record.parts} == {1}
    instruction = len(record.config["task"]["prompts"]["paper"]["text"]) - len("{document}{question}")
    without_abstract = len("Introduction\nWe do it. It works.Is it?")
    assert {part["prompt"] for part in record.parts} == {instruction + without_abstract}
    unbounded = [word for word in bytes_model if not word.startswith("policy")] + ["policy=full"]
    full = answers(["experiment=tova_qasper", f"data.path={papers}", "data.split=dev", *unbounded])
    assert full.state["entries_per_layer"] == full.parts[0]["prompt"]
    said: list[str] = []
    specs = [spec for spec in read_specs(CONF / "table") if spec.name == "qasper"]
    write_report(tmp_path / "results", specs, say=said.append)
    assert "4 of 4 questions, 4 of 4 references of qasper dev (papers.jsonl)" in said[0]
    assert (tmp_path / "results" / "figures" / "qasper.png").is_file()


def row(question: str, output: str | None) -> dict[str, Any]:
    begun = "You are given a scientific article and a question.\n\nArticle:\n"
    document, query = "It works.", f"Question:\n{question}\n\n"
    return {
        "id": question,
        "pid": f"{question}_0",
        "input": f"{begun}{document}\n\n{query}Answer:\n",
        "output": output,
        "document_start_index": len(begun),
        "document_end_index": len(begun) + len(document),
        "query_start_index": len(begun) + len(document) + 2,
        "query_end_index": len(begun) + len(document) + 2 + len(query),
    }


@pytest.mark.parametrize("gold", ["Yes", None])
def test_zero_scrolls(gold: str | None, bytes_model: list[str], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(zero_scrolls, "TESTS", {"qasper": 3 if gold else 2})
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row(question, gold)) + "\n" for question in ("Is it?", "Why?")))
    split = "validation" if gold else "test"
    data = ["data=zero_scrolls", f"data.path={path}", f"data.split={split}"]
    output = tmp_path / "preds_qasper.json"
    record = answers(["task=qasper", *data, "task.prompt=zero_scrolls", f"output={output}", *bytes_model])
    assert record.data["name"] == "zero_scrolls" and ("f1" in record.metrics) == (gold is not None)
    assert list(json.loads(output.read_text())) == ["Is it?", "Why?"]
    assert [line["references"] for line in saved(record)] == [[gold] if gold else []] * 2
