"""Multi30k out of a folder: small with patched counts, and the real one where it is."""

from pathlib import Path
from typing import Any

import pytest
from tiny import options

from reattend.data import ParallelCorpus, build_parallel, multi30k
from reattend.data.parallel.splitting import Pairs
from reattend.settings import SettingError

SHARED = Path(__file__).parents[2] / "../shared/data/multi30k"


def corpus(**changed: Any) -> ParallelCorpus:
    return build_parallel({**options("data")["multi30k"], **changed})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    counts = {"train": 3, "val": 2, "test_2016_flickr": 1, "test_2017_flickr": 1}
    monkeypatch.setattr(multi30k, "PAIRS", counts)
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "home"))
    (folder := tmp_path / "files").mkdir()
    for name, count in counts.items():
        for code in ("de", "en"):
            text = "".join(f"{name} {code} {i} \n" for i in range(count))
            (folder / f"{name}.{code}").write_text(text, encoding="utf-8")
    return folder


def test_splits_of_a_folder(folder: Path) -> None:
    splits = corpus(path=str(folder), direction="en-de").raw()
    assert splits["train"] == Pairs([f"train en {i}" for i in range(3)], [f"train de {i}" for i in range(3)])
    assert splits["valid"].source == ["val en 0", "val en 1"]
    assert splits["test"] == Pairs(["test_2016_flickr en 0"], ["test_2016_flickr de 0"])


def test_the_other_test_set_is_another_source(folder: Path) -> None:
    other = corpus(path=str(folder), test="test_2017_flickr")
    assert other.raw()["test"].source == ["test_2017_flickr de 0"]
    assert other.source != corpus(path=str(folder)).source
    assert other.fingerprint() != corpus(path=str(folder)).fingerprint()


def test_a_changed_line_is_another_source(folder: Path) -> None:
    before = corpus(path=str(folder)).fingerprint()
    (folder / "val.de").write_text("val de 0\nandere Zeile\n", encoding="utf-8")
    assert corpus(path=str(folder)).fingerprint() != before


def test_another_count_is_refused(folder: Path) -> None:
    (folder / "val.en").write_text("one line\n", encoding="utf-8")
    with pytest.raises(SettingError, match=r"2 lines in val\.en; it has 1"):
        corpus(path=str(folder)).raw()


@pytest.mark.parametrize("path", [None, "/gone"])
def test_a_folder_is_needed(path: str | None) -> None:
    with pytest.raises(SettingError, match=r"data\.path=(null|/gone): expected a folder"):
        corpus(path=path).prepare()


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_counts_of_the_real_files() -> None:
    splits = corpus(path=str(SHARED), test="test_2017_flickr").raw()
    assert {split: len(pairs.source) for split, pairs in splits.items()} == {
        "train": 29_000,
        "valid": 1_014,
        "test": 1_000,
    }
    assert all(all(side) for pairs in splits.values() for side in pairs)  # no empty line
