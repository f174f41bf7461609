"""Corpora: splits, identity, messages of bad settings, and the real sample where an index can be reached."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reattend.data import build_corpus
from reattend.data.corpus import byte_splits
from reattend.settings import SettingError

DEFAULTS = {"name": "text", "context": 16, "batch_size": 4, "valid_limit": 64}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.txt"
    path.write_bytes(bytes(i * i % 251 for i in range(2017)))
    return path


def test_splits_cover_the_file_in_order(page: Path) -> None:
    splits = build_corpus({**DEFAULTS, "path": str(page)}).splits()
    assert {name: len(tokens) for name, tokens in splits.items()} == {
        "train": 1815,
        "valid": 100,
        "test": 102,
    }
    assert b"".join(tokens.tobytes() for tokens in splits.values()) == page.read_bytes()
    assert all(tokens.dtype == np.uint8 for tokens in splits.values())


def test_splits_are_cut_where_enwik8_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.truncate(100_000_000)  # sparse
    assert [len(tokens) for tokens in byte_splits(path).values()] == [90_000_000, 5_000_000, 5_000_000]


def test_identity_knows_the_text_by_its_contents_not_its_folder(page: Path) -> None:
    identity = build_corpus({**DEFAULTS, "path": str(page)}).identity()
    assert identity["name"] == "text" and identity["source"] == "page.txt" and identity["unit"] == "byte"
    assert identity["sha256"] == hashlib.sha256(page.read_bytes()).hexdigest()
    valid = page.read_bytes()[1815:1915]
    assert identity["splits"]["valid"] == {"tokens": 100, "sha256": hashlib.sha256(valid).hexdigest()}
    assert str(page.parent) not in str(identity)


def test_batches_come_from_their_splits(page: Path) -> None:
    corpus = build_corpus({**DEFAULTS, "path": str(page)})
    splits = {name: list(tokens) for name, tokens in corpus.splits().items()}
    inputs, targets = next(iter(corpus.evaluation_batches("test")))
    assert inputs[0].tolist() == splits["test"][:16] and targets[0].tolist() == splits["test"][1:17]
    assert corpus.evaluation_batches("valid", limit=corpus.valid_limit).targets == 64
    inputs, _ = next(iter(corpus.training_batches(seed=1)))
    assert inputs.shape == (4, 16) and set(inputs.flatten().tolist()) <= set(splits["train"])


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "data.path=null: expected the path of a local file"),
        ({"path": "{folder}/gone"}, "data.path={folder}/gone: expected an existing file"),
        ({"path": "{folder}"}, "data.path={folder}: expected a file, not a folder"),
        ({"path": "{folder}/empty"}, "data.path={folder}/empty: expected a file that is not empty"),
        (
            {"path": "{folder}/page.txt", "context": 100},
            "data.context=100: expected at most 99, the length of the valid",
        ),
        ({"context": 0}, "data.context=0: expected at least 1"),
        ({"batch_size": 0}, "data.batch_size=0: expected at least 1"),
        (
            {"path": "{folder}/page.txt", "valid_limit": 15},
            "data.valid_limit=15: expected at least data.context (16)",
        ),
        ({"context": "abc"}, "data.context=abc: expected a whole number"),
        ({"road": "x"}, "data.road=x: expected a known option"),
    ],
)
def test_a_bad_setting_is_one_message(changed: dict[str, Any], message: str, page: Path) -> None:
    (page.parent / "empty").touch()

    def here(value: Any) -> Any:
        return value.replace("{folder}", str(page.parent)) if isinstance(value, str) else value

    with pytest.raises(SettingError) as refused:
        build_corpus({**DEFAULTS, "valid_limit": None, **{k: here(v) for k, v in changed.items()}}).splits()
    assert str(refused.value).startswith(here(message))


def test_preparing_a_corpus_does_not_import_torch(page: Path) -> None:
    code = (
        "import sys, reattend.data, reattend.data.enwiki_sample as sample;"
        f"reattend.data.build_corpus({ {**DEFAULTS, 'path': str(page)}!r}).identity();"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_wikipedia_sample_is_the_published_one() -> None:
    corpus = build_corpus({**DEFAULTS, "name": "enwiki_sample"})
    try:
        splits = corpus.splits()
    except SettingError as error:
        if error.setting != "PIP_INDEX_URL":
            raise
        pytest.skip(f"no package index: {error}")
    whole = np.concatenate(list(splits.values()))
    assert hashlib.sha256(whole.data).hexdigest() == "34c1c63050c87cc8477b9ae36b1cb0edf372612c92938b742e579a7109c20fa4"
    assert [len(tokens) for tokens in splits.values()] == [5_480_771, 304_487, 304_488]
    assert len(np.unique(whole)) == 201
    assert whole.tobytes().count(b"<page>") == 206
