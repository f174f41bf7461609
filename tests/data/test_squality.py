"""SQuALITY: the published files, as far as they lie beside the project, and the download that is checked."""

import hashlib
import json
import lzma
from pathlib import Path
from typing import Any

import pytest
from tiny import options

from reattend.data import Questions, build_questions, download, squality
from reattend.settings import SettingError

SHARED = Path(__file__).parents[2] / "../shared/data/squality"


def stories(split: str, **changed: Any) -> Questions:
    return build_questions({**options("data")["squality"], "split": split, **changed})


@pytest.mark.skipif(not SHARED.exists(), reason="the published files are not here")
@pytest.mark.parametrize(("split", "counts"), [("train", (50, 250, 1_000)), ("dev", (25, 125, 500))])
def test_the_published_splits_have_the_published_counts(split: str, counts: tuple[int, int, int]) -> None:
    read = stories(split, path=str(SHARED))
    assert stories("auto", path=str(SHARED / f"{split}.jsonl.xz"), limit=5).split == split
    with pytest.raises(SettingError, match=f": this is the {split} split. Set data.split={split}."):
        stories("test", path=str(SHARED / f"{split}.jsonl.xz"), limit=5).questions()
    assert read.counts() == counts and read.mismatch() is None
    raw = lzma.decompress((SHARED / f"{split}.jsonl.xz").read_bytes())
    assert (len(raw), hashlib.sha256(raw).hexdigest()) == squality.FILES[split]
    rows = [json.loads(line) for line in raw.splitlines()]
    wanted = [
        (row["document"], asked["question_text"], [answer["response_text"] for answer in asked["responses"]])
        for row in rows
        for asked in row["questions"]
    ]
    assert [(q.text, q.question, [*q.answers]) for q in read.questions()] == wanted
    assert {len(q.answers) for q in read.questions()} == {4}


@pytest.mark.skipif(not SHARED.exists(), reason="the published files are not here")
def test_half_of_the_test_split_is_told_from_the_whole() -> None:
    path = str(SHARED / "test_half.jsonl.xz")
    with pytest.raises(SettingError, match="expected 52 documents, 260 questions, 1,040 references of test, found 26"):
        stories("test", path=path).questions()
    told = stories("test", path=path, allow_mismatch=True).identity()["mismatch"]
    assert told == "26 of 52 documents, 130 of 260 questions, 520 of 1,040 references"


def test_a_download_must_be_the_known_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path))
    asked = []

    def take(url: str, part: Path) -> None:
        asked.append(url)
        part.write_bytes(b"another file")

    monkeypatch.setattr(download, "take", take)
    with pytest.raises(SettingError, match="it has 12 bytes instead of 1474020"):
        stories("dev").questions()
    commit = "dc08d4f574639d773bc64ef3ab3527043108fb4e"
    assert asked == [f"https://raw.githubusercontent.com/nyu-mll/SQuALITY/{commit}/data/v1-3/txt/dev.jsonl"]
    assert stories("dev").source == "nyu-mll/SQuALITY@dc08d4f, v1.3"
