"""The hub without a network: its cache serves, and what it lacks is one message, at once."""

import time
from pathlib import Path
from typing import Any

import huggingface_hub
import pyarrow as pa
import pyarrow.parquet
import pytest
from huggingface_hub import constants
from huggingface_hub.errors import GatedRepoError, OfflineModeIsEnabled, RepositoryNotFoundError
from tiny import options

from reattend.data import Document, build_documents
from reattend.data.hub import hub_folder
from reattend.settings import SettingError

COMMIT = "0123456789" * 4


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub, which itself cannot be reached."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    refuse(monkeypatch, OfflineModeIsEnabled("no network here\nand more"))
    return tmp_path


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def repo_info(*args: Any, **kwargs: Any) -> Any:
        raise error

    monkeypatch.setattr(huggingface_hub.HfApi, "repo_info", repo_info)


def place(cache: Path, repository: str, *, commit: str = COMMIT) -> Path:
    """The folder where the cache has that commit of a repository, the newest of its main branch."""
    home = cache / repository
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(commit)
    (folder := home / "snapshots" / commit).mkdir(parents=True)
    return folder


def ask(revision: str | None = None) -> Path:
    how: Any = {"kind": "model", "setting": "lm.path", "value": "some/model", "instead": "Do without."}
    return hub_folder("some/model", revision=revision, patterns=("*.json",), **how)


@pytest.mark.parametrize("revision", [None, "main", COMMIT])
def test_the_cache_serves_without_a_network(revision: str | None, cache: Path) -> None:
    folder = place(cache, "models--some--model")
    assert ask(revision) == folder


def test_what_the_cache_lacks_is_told_at_once(cache: Path) -> None:
    start = time.monotonic()
    with pytest.raises(SettingError) as refused:
        ask()
    assert str(refused.value) == (
        "lm.path=some/model: expected the model some/model of the hub, or its copy in the hub's cache "
        "(no network here). Do without."
    )
    assert time.monotonic() - start < 2


def test_a_licence_and_a_wrong_name_are_told_apart(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer: Any = type("Answer", (), {"headers": {}, "request": None, "status_code": 403})()
    refuse(monkeypatch, GatedRepoError("gated", response=answer))
    with pytest.raises(SettingError, match=r"expected leave to download .* Accept its licence on .* or set HF_TOKEN"):
        ask()
    refuse(monkeypatch, RepositoryNotFoundError("none", response=answer))
    with pytest.raises(SettingError, match="expected the name of a model of the hub"):
        ask()


def test_pg19_reads_the_books_of_the_hub(cache: Path) -> None:
    config = options("data")["pg19"]
    with pytest.raises(SettingError, match=r"data=pg19: expected the dataset .* data=books data.path=FILE.jsonl\."):
        build_documents(config).documents()
    folder = place(cache, "datasets--emozilla--pg19-test", commit=config["revision"]) / "data"
    folder.mkdir()
    columns = {"short_book_title": ["A", "B", "C"], "publication_date": [1900] * 3, "text": ["a\r\nb", "c", "d"]}
    pyarrow.parquet.write_table(pa.table(columns), folder / "test-00000-of-00001-29a571947c0b5ccc.parquet")
    books = build_documents(config | {"limit": 2})
    assert books.documents() == [Document("A", "a\nb"), Document("B", "c")]
    assert books.identity()["source"] == f"emozilla/pg19-test@{config['revision']}"
