"""A tiny Llama whose random weights are large enough to make policies differ, a text, and evaluations of both."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from evaluated import replaced, run
from tiny_llama import TEXT, byte_pairs, llama, save
from tokenizers import Tokenizer

from reattend.records import EvaluationRecord


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return byte_pairs()


@pytest.fixture(scope="session")
def model(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder; made for 256 tokens."""
    sizes = {"initializer_range": 0.4, "max_position_embeddings": 256}
    return save(tmp_path_factory.mktemp("models") / "tiny-llama", llama(tokenizer, **sizes), tokenizer)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """About 200 tokens, some of them parts of a character."""
    words = TEXT.split()
    text = "  ".join(random.Random(1).choices(words, k=40))
    path = tmp_path / "book.txt"
    path.write_text(f"\n{text}…\n\nThe end 😀", encoding="utf-8")
    return path


@pytest.fixture
def given(model: Path, book: Path, tmp_path: Path) -> list[str]:
    """What a command needs to evaluate that model on that text, in chunks of 48 tokens."""
    lm = ["lm=pretrained", f"lm.path={model}", "lm.device_map=cpu"]
    return [*lm, f"data.path={book}", "task.context=48", f"results_dir={tmp_path / 'results'}", "progress=false"]


@pytest.fixture
def evaluate(given: list[str]) -> Callable[..., EvaluationRecord]:
    """evaluate("policy=tova", ...) -> the record; what is changed takes the place of what is given."""
    return lambda *changes: run(replaced(given, *changes))
