"""A mistake in what shall be translated is one message that says which setting to change."""

from pathlib import Path

import composed
import pytest
from tiny_translator import checkpoint, pipeline, sentences, told, write

from reattend.data.parallel.corpus import ParallelCorpus
from reattend.data.parallel.pipeline import Pipeline
from reattend.data.parallel.splitting import Pairs
from reattend.evaluation.translating import sentences as sentences_module
from reattend.settings import SettingError


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    model, source = checkpoint(tmp_path / "best.ckpt"), write(tmp_path / "test.de", sentences(3))
    return [f"checkpoint={model}", f"data.source={source}", f"results_dir={tmp_path / 'results'}", "progress=false"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("beam=0", "beam=0: expected at least 1"),
        ("temperature=1", "beam=5: expected 1 with a temperature"),
        ("beam=two", "beam=two: expected a whole number"),
        ("n_best=9", "n_best=9: expected at most beam=5"),
        ("unknown=drop", "unknown=drop: expected one of keep, forbid"),
        ("length_penalty=null", "length_penalty=None: expected a finite number"),
        ("max_tokens=0", "max_tokens=0: expected at least 1"),
        ("max_length_b=0", "max_length_b=0: expected at least 1"),
        ("threads=0", "threads=0: expected at least 1"),
        ("data.empty=maybe", "data.empty=maybe: expected one of keep, drop"),
        ("data.direction=fr-en", "data.direction=fr-en: expected de-en, the direction of the checkpoint"),
        ("data=books", "data=books: expected sentences to translate: lines or a parallel corpus"),
        ("checkpoint=none.ckpt", "checkpoint=none.ckpt: expected an existing checkpoint file"),
    ],
)
def test_a_setting(given: list[str], changed: str, said: str) -> None:
    kept = [word for word in given if changed != "data=books" or not word.startswith("data.")]
    with pytest.raises(SettingError) as refused:
        told([*kept, changed])
    assert said in str(refused.value)


def test_a_language_model(given: list[str], tmp_path: Path) -> None:
    model = composed.checkpoint(tmp_path / "lm.ckpt")
    with pytest.raises(SettingError, match=r"checkpoint=.*lm\.ckpt: expected a model that translates"):
        told([*given, f"checkpoint={model}"])


def test_nothing_left(given: list[str], tmp_path: Path) -> None:
    source = write(tmp_path / "empty.de", ["", " "])
    with pytest.raises(SettingError, match=r"data\.source=empty\.de: expected sentences.*; all 2 are empty"):
        told([*given, f"data.source={source}", "data.empty=drop"])


class Prepared(ParallelCorpus):
    """A corpus whose preparation is made up."""

    name, source, licence = "prepared", "made up", "none"  # type: ignore[assignment]
    direction = "de-en"  # type: ignore[assignment]

    def __init__(self, made: Pipeline) -> None:
        self.made = made

    pipeline = property(lambda self: self.made)  # type: ignore[assignment]

    def plain(self, split: str) -> Pairs:
        lines = sentences(4, seed=len(split))
        return Pairs(lines, lines)

    def raw(self) -> dict[str, Pairs]:
        return {}

    def fingerprint(self) -> str:
        return ""


def test_a_prepared_corpus(given: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = [*(word for word in given if not word.startswith("data.")), "data=ui_strings"]
    monkeypatch.setattr(sentences_module, "build_data", lambda config: Prepared(pipeline()))
    assert "prepared de-en (made up)" in told(corpus) and "4 sentences" in told([*corpus, "split=valid"])
    with pytest.raises(SettingError, match="split=tests: expected one of train, valid, test"):
        told([*corpus, "split=tests"])
    monkeypatch.setattr(sentences_module, "build_data", lambda config: Prepared(pipeline(merges=5)))
    with pytest.raises(SettingError) as refused:
        told([*corpus, "force=true"])
    for made in (pipeline(), pipeline(merges=5)):
        assert f"pipeline {made.sha256[:12]}" in str(refused.value)
    assert "data=lines data.source=FILE" in str(refused.value)
