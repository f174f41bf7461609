"""Prompts out of files of every kind; what is no prompt is one message."""

import json
import lzma
from pathlib import Path

import pytest
from evaluated import composed

from reattend.evaluation.stories import Stories
from reattend.evaluation.storytelling.prompts import read_prompts
from reattend.settings import SettingError

TEXTS = ["Once upon a time", "Ein Kapitän, zwei\nSchiffe"]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(TEXTS),
        json.dumps({"original": TEXTS, "from": "somewhere"}),
        "".join(json.dumps(text, ensure_ascii=False) + "\n" for text in TEXTS),
        "\n".join(json.dumps({"prompt": text, "id": 1}) for text in TEXTS) + "\n\n",
    ],
    ids=["list", "object", "lines", "objects"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_prompts_are_read(content: str, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / ("prompts.json.xz" if packed else "prompts.json")
    path.write_bytes(lzma.compress(content.encode()) if packed else content.encode())
    assert read_prompts(str(path)) == TEXTS


def test_one_object_is_one_prompt(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text('{"prompt": "Once"}')
    assert read_prompts(str(path)) == ["Once"]


def test_a_prompt_can_be_cut_to_its_first_words(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps(TEXTS))
    values = composed(["task=stories", f"task.prompts={path}", "task.prompt_words=3"])["task"]
    task = Stories(**{key: value for key, value in values.items() if key != "name"})
    assert task.prompts() == (["Once upon a", "Ein Kapitän, zwei"], "prompts.json")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "at least one prompt"),
        (b"[]", "at least one prompt"),
        (b'["a", " "]', "none without text"),
        (b'{"a": 1}', "an object that holds one list of prompts, not 0"),
        (b'{"a": [], "b": []}', "an object that holds one list of prompts, not 2"),
        (b'"a"\nb', "JSON, whole or a line each; line 2 is none"),
        (b"[1]", "texts, or objects with a text under 'prompt'; one is 1"),
        (b'[{"text": "a"}]', "texts, or objects with a text under 'prompt'"),
        (b"\xff", "UTF-8"),
    ],
)
def test_what_is_no_prompt_is_one_message(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_bytes(content)
    with pytest.raises(SettingError, match=f"^task.prompts={path}: expected ") as refused:
        read_prompts(str(path))
    assert expected in str(refused.value)


def test_a_damaged_archive_is_one_message(tmp_path: Path) -> None:
    path = tmp_path / "prompts.json.xz"
    path.write_bytes(lzma.compress(b"[]" * 100)[:-20])
    with pytest.raises(SettingError, match=r"expected a whole \.xz file"):
        read_prompts(str(path))
