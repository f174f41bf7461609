"""A Llama of two layers, made for 64 positions, in a folder as the hub has it, and what reads 40 tokens with it."""

from pathlib import Path
from typing import Any

import pytest
from tiny_llama import byte_pairs, llama, save

from reattend.bench.reading import Reader


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tokenizer = byte_pairs()
    return save(tmp_path_factory.mktemp("models") / "tiny-llama", llama(tokenizer), tokenizer)


@pytest.fixture
def lm(folder: Path) -> dict[str, Any]:
    return {"name": "pretrained", "loader": "pretrained", "path": str(folder), "device_map": "cpu"}


@pytest.fixture
def reader(lm: dict[str, Any], text: Path) -> Reader:
    return Reader(lm, {"name": "books", "path": str(text)}, tokens=40, chunk=8)
