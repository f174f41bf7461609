"""`as_perplexity`: bits of each seed become 2^bits before anything is averaged, compared or drawn."""

import dataclasses
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.axes import Axes

from reattend.records import TrainingRecord
from reattend.report.grid import comma_separated
from reattend.report.variants.figure import draw
from reattend.report.variants.numbers import build_table
from reattend.report.variants.specification import VariantsSpec
from reattend.report.variants.text import markdown, values
from reattend.settings import SettingError

MakeRecord = Callable[..., TrainingRecord]
SOFTMAX, DAGPAM = (4.0, 5.0, 4.5), (3.0, 5.0, 4.0)  # bits per word of seeds 1, 2, 3


@pytest.fixture
def perplexity(spec: VariantsSpec) -> VariantsSpec:
    return dataclasses.replace(spec, metric="test/bits_per_word", as_perplexity=True, decimals=2)


@pytest.fixture
def words(make_record: MakeRecord) -> list[TrainingRecord]:
    found = []
    for attention, scores in (("softmax", SOFTMAX), ("dagpam", DAGPAM)):
        for seed, bits in enumerate(scores, 1):
            record = make_record(attention, seed, bits, unit="bits per word")
            metrics = {"test/bits_per_word": record.metrics["test/bits_per_byte"]}
            data: Any = {**record.data, "unit": "word"}
            found.append(dataclasses.replace(record, metrics=metrics, data=data))
    return found


def test_numbers_by_hand(perplexity: VariantsSpec, words: list[TrainingRecord]) -> None:
    softmax, dagpam = build_table(perplexity, words).rows
    each = [16.0, 32.0, 2**4.5]
    assert softmax.score.mean == pytest.approx(statistics.mean(each))  # not 2^4.5
    assert softmax.score.deviation == pytest.approx(statistics.stdev(each))
    assert dagpam.difference is not None
    assert dagpam.difference.mean == pytest.approx((-8 + 0 + 16 - 2**4.5) / 3)


def test_words(perplexity: VariantsSpec, words: list[TrainingRecord]) -> None:
    text = markdown(build_table(perplexity, words))
    assert "| test perplexity per word |" in text.replace("  ", "")
    assert "Score: perplexity per word (2 to the bits per word of each seed) on the test split" in text
    assert "23.54 ± 8.04 (n=3)" in text.replace("  ", "")
    header, softmax, _ = comma_separated(values(build_table(perplexity, words))).splitlines()
    assert dict(zip(header.split(","), softmax.split(","), strict=True))["mean"] == "23.5425"


def test_picture(
    perplexity: VariantsSpec, words: list[TrainingRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[list[float]] = []
    labels: list[str] = []
    plot, describe = Axes.plot, Axes.set_ylabel

    def plotted(axes: Axes, x: Any, y: Any, *style: Any, **how: Any) -> Any:
        drawn.append(list(y))
        return plot(axes, x, y, *style, **how)

    def described(axes: Axes, text: str, **how: Any) -> Any:
        labels.append(text)
        return describe(axes, text, **how)

    monkeypatch.setattr(Axes, "plot", plotted)
    monkeypatch.setattr(Axes, "set_ylabel", described)
    draw(build_table(perplexity, words), tmp_path / "x.png")
    assert labels == ["validation perplexity per word", "test perplexity per word (lower is better)"]
    assert [16.0, 32.0, 2**4.5] in drawn  # the scores of softmax
    first = [2 ** point["valid_bits"] for point in words[0].curve if point["valid_bits"] is not None]
    assert drawn[0] == pytest.approx(first)


def test_bits_stay_bits_unless_asked(perplexity: VariantsSpec, words: list[TrainingRecord]) -> None:
    softmax, _ = build_table(dataclasses.replace(perplexity, as_perplexity=False), words).rows
    assert softmax.score.mean == pytest.approx(4.5)


def test_only_bits_have_a_perplexity(perplexity: VariantsSpec) -> None:
    with pytest.raises(SettingError, match=r"^table\.default\.metric=test/sacrebleu: expected bits, such as"):
        dataclasses.replace(perplexity, metric="test/sacrebleu")
