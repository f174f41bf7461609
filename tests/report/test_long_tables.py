"""Tables of many rows: what chance makes of many intervals, and a picture that stays legible."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from described import conf_table
from matplotlib.figure import Figure

from reattend.records import TrainingRecord
from reattend.report.fences import fences
from reattend.report.variants import figure, forest
from reattend.report.variants.numbers import build_table
from reattend.report.variants.specification import VariantsSpec
from reattend.report.variants.text import markdown
from reattend.settings import SettingError

MakeRecord = Callable[..., TrainingRecord]
# mean differences to softmax; all but the first two and the last have an interval that spans zero
GAINS = {"a": -0.05, "b": +0.03, "c": 0.001, "d": 0.002, "e": -0.001, "f": -0.002, "g": 0.0015, "far": 0.9}


@pytest.fixture
def many(make_record: MakeRecord) -> list[TrainingRecord]:
    """Softmax and eight others over three seeds."""
    noise = {1: -0.004, 2: 0.0, 3: 0.004}
    records = [make_record("softmax", seed, 2.5 + seed / 100) for seed in noise]
    for i, (name, gain) in enumerate(GAINS.items()):
        records += [
            make_record(name, seed, 2.5 + seed / 100 + gain + off, seconds=100 + 10 * i) for seed, off in noise.items()
        ]
    return records


def test_an_unknown_column(spec: VariantsSpec, six: list[TrainingRecord]) -> None:
    with pytest.raises(SettingError, match=r"table\.default\.columns=colour: expected some of score, .*difference, "):
        markdown(build_table(dataclasses.replace(spec, columns=["colour"]), six))


def test_many_intervals(spec: VariantsSpec, many: list[TrainingRecord]) -> None:
    (line,) = [line for line in markdown(build_table(spec, many)).splitlines() if "intervals: " in line]
    assert line.startswith(
        "- 8 intervals: if nothing differed, chance alone would make 0.4 of them leave out zero; 3 do"
    )
    # t = gain / (0.004 / sqrt 3), p = 1 - t / sqrt(2 + t²): far 6.6e-6 x 8, a 0.0021 x 7, b 0.0059 x 6
    assert line.endswith("these still differ: far (p = 5.3e-05), a (p = 0.015), b (p = 0.035).")
    few = [record for record in many if record.config["attention"]["name"] in ("softmax", "a", "b", "c", "d")]
    assert "intervals: " not in markdown(build_table(spec, few))


def test_most_of_many_intervals(spec: VariantsSpec, make_record: MakeRecord) -> None:
    records = [make_record("softmax", seed, 2.5) for seed in (1, 2)]
    for i in range(6):
        records += [make_record(f"m{i}", seed, 2.4 + (0.04 * seed if i == 5 else 1e-7 * seed)) for seed in (1, 2)]
    assert "6 intervals: " in markdown(build_table(spec, records))
    assert "these still differ: all but m5." in markdown(build_table(spec, records))
    without = [record for record in records if record.config["attention"]["name"] != "m5"]
    assert "these still differ: all." in markdown(build_table(spec, without))


def test_lengths_that_differ_are_told_by_row(spec: VariantsSpec, make_record: MakeRecord) -> None:
    both = dataclasses.replace(spec, rows=["attention.name", "control.name"])
    control: dict[str, Any] = {"control": {"name": "equal_time", "like": {"name": "softmax"}}}
    records = [
        *(make_record(seed=seed) for seed in (1, 2)),
        *(make_record("dagpam", seed) for seed in (1, 2)),
        *(make_record("dagpam", seed, settings=control, steps=500 + 100 * seed) for seed in (1, 2)),
        make_record("dagpam", 1, settings={"attention.lambda_trainable": False}),
    ]
    table = build_table(both, records)
    assert [row.label for row in table.rows] == [
        *("softmax", "dagpam equal_time", "dagpam lambda_trainable=false", "dagpam lambda_trainable=true")
    ]
    (line,) = [line for line in markdown(table).splitlines() if line.startswith("- Runs")]
    assert line.startswith(
        "- Runs: seeds 1, 2, 800 steps on 3,276,800 tokens "
        "(dagpam equal_time: 600 to 700 steps on 2,457,600 to 2,867,200 tokens); "
    )


def test_where_only_tokens_differ_none_are_told(spec: VariantsSpec, make_record: MakeRecord) -> None:
    records = [make_record(seed=seed) for seed in (1, 2)]
    records[1].curve[-1]["tokens"] += 17  # pairs of sentences
    assert "- Runs: seeds 1, 2; Imaginary CPU" in markdown(build_table(spec, records))


def test_rows_of_the_forest(spec: VariantsSpec, many: list[TrainingRecord], tmp_path: Path) -> None:
    table = build_table(spec, many)
    axes = Figure().subplots()
    rows = sorted((row for row in table.rows if row.difference), key=lambda row: -forest._gain(table, row))
    forest._draw_differences(axes, table, rows)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "f", "e", "c", "g", "d", "b", "far"]
    means = [line for line in axes.lines if line.get_markersize() == 7]
    filled = {round(line.get_ydata()[0]): line.get_markerfacecolor() != "white" for line in means}
    assert filled == {0: True, 1: False, 2: False, 3: False, 4: False, 5: False, 6: True, 7: True}
    colours = [next(line for line in means if line.get_ydata()[0] == i).get_color() for i in range(8)]
    assert colours == [forest.BETTER, *[forest.OPEN] * 5, forest.WORSE, forest.WORSE]
    assert axes.get_xlim()[1] < 0.1  # what is far away has an arrow and a number
    assert [text.get_text() for text in axes.texts] == ["+0.9000"]
    forest.draw(table, tmp_path / "forest.png")
    assert (tmp_path / "forest.png").stat().st_size > 0


def test_higher_may_be_better(spec: VariantsSpec, many: list[TrainingRecord]) -> None:
    table = build_table(dataclasses.replace(spec, lower_is_better=False), many)
    colours = {row.label: forest._colour(table, row) for row in table.rows}
    assert (colours["a"], colours["far"], colours["c"]) == (forest.WORSE, forest.BETTER, forest.OPEN)


def test_many_rows_get_the_forest(
    spec: VariantsSpec, many: list[TrainingRecord], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    monkeypatch.setattr(forest, "draw", lambda table, path: drawn.append(len(table.rows)))
    figure.draw(build_table(spec, many), tmp_path / "many.png")
    figure.draw(build_table(spec, [r for r in many if r.config["attention"]["name"] != "far"]), tmp_path / "few.png")
    assert drawn == [9]
    assert [path.name for path in tmp_path.iterdir()] == ["few.png"]


def test_fences_by_hand() -> None:
    # quartiles 2 and 4, so from -4 to 10; nothing of three numbers is far
    assert fences([1, 2, 3, 4, 5]) == (1, 5)
    assert fences([1, 2, 3, 4, 100]) == (1, 4)
    assert fences([-100, 2, 3, 4, 5]) == (2, 5)
    assert fences([0, 1, 100]) == (0, 100)
    assert fences([2, 2, 2, 2, 7]) == (2, 2)


def test_the_table_of_mechanisms(make_record: MakeRecord) -> None:
    found = conf_table("mechanisms", VariantsSpec)
    rate = {"experiment": "mechanisms", "optimizer": {"name": "adamw", "learning_rate": 0.004}}
    records = [make_record(name, valid=2.4, settings=rate) for name in ("softmax", "dagpam")]
    timed = {**rate, "experiment": "mechanisms_timed"}
    records += [make_record(name, settings=timed) for name in ("softmax", "dagpam")]
    heading, _, softmax, dagpam = [
        line for line in markdown(build_table(found, records)).splitlines() if line[:1] == "|"
    ]
    assert all(" 4e-03 of 1 |" in row for row in (softmax, dagpam))
    assert all(name in heading for name in (" learning rate |", " ms/step |", " MiB |"))
