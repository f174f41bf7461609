"""What every room's tests share: mechanisms from conf/attention, and short runs on a text made on the spot."""

import gc
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import SMALL, compose
from hypothesis import settings
from tiny import UNLIKE, options
from tiny_pairs import SMALL_PAIRS, write_pairs

settings.register_profile("reattend", max_examples=25, deadline=None)
settings.load_profile("reattend")
torch.set_num_threads(1)  # tiny tensors: a second thread costs more than it gives


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest file first, or one worker would still be at it when the other has nothing left."""
    items.sort(key=lambda item: item.path.name != "test_docs.py")


def pytest_collection_finish() -> None:
    """What the libraries have made stays: looking through it at every collection takes a third of the time of all."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", params=options("attention").values(), ids=options("attention").keys())
def attention(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The configuration of one mechanism; a new file in conf/attention is tested by being there."""
    return request.param


@pytest.fixture(scope="session", params=UNLIKE)
def unlike(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The configuration of one of a few mechanisms, where all would take too long."""
    return options("attention")[request.param]


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,400 bytes of made-up words: 77 blocks of 16 to train on, 19 batches of 4 an epoch."""
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefgh", k=draw.randint(2, 6))) for _ in range(40)]
    path = tmp_path_factory.mktemp("text") / "words.txt"
    path.write_text(" ".join(draw.choices(words, k=400))[:1400])
    return path


@pytest.fixture
def small(text: Path, tmp_path: Path) -> list[str]:
    """What a command needs to train a tiny model on that text; its results go to tmp_path/results."""
    return [*SMALL, f"data.path={text}", f"results_dir={tmp_path / 'results'}"]


@pytest.fixture(scope="session")
def sentence_pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tab-separated file of 300 made-up sentences."""
    return write_pairs(tmp_path_factory.mktemp("pairs") / "pairs.tsv")


@pytest.fixture
def small_pairs(sentence_pairs: Path, tmp_path: Path) -> list[str]:
    """What a command needs to train a tiny translation model on these; its results go to tmp_path/results."""
    return ["objective=translation", *SMALL_PAIRS, f"data.path={sentence_pairs}", f"results_dir={tmp_path / 'results'}"]


@pytest.fixture
def job(small: list[str]) -> Callable[..., dict[str, Any]]:
    """job("seed=2", ...) -> the composed configuration of such a run."""
    return lambda *overrides: compose("train", *small, *overrides)
