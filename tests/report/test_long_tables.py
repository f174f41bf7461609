"""Tables of many rows: absolute costs, what chance makes of many intervals, and a picture that stays legible."""

import csv
import dataclasses
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from reattend.records import RecordError, TrainingRecord
from reattend.report import read_specs
from reattend.report.fences import fences
from reattend.report.grid import comma_separated
from reattend.report.variants import figure, forest
from reattend.report.variants.costs import step_seconds
from reattend.report.variants.numbers import build_table
from reattend.report.variants.specification import VariantsSpec
from reattend.report.variants.text import markdown, values
from reattend.settings import SettingError

MakeRecord = Callable[..., TrainingRecord]
TABLES = Path(__file__).parents[2] / "conf" / "table"
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


def test_columns(spec: VariantsSpec, six: list[TrainingRecord]) -> None:
    table = build_table(dataclasses.replace(spec, columns=["step_time", "score", "peak_memory"]), six)
    lines = [[cell.strip() for cell in x.strip("|").split("|")] for x in markdown(table).splitlines() if x[0:1] == "|"]
    assert lines[0] == ["attention", "ms/step", "test bits per byte", "MiB"]
    # 101, 102 and 103 s and 1.2 times as long on 800 steps: of the quickest 126 and 151; 800 and 1,000 million bytes
    assert lines[2:] == [
        ["softmax", "126", "2.5300 ± 0.0361 (n=3)", "763"],
        ["dagpam", "151 (× 1.20)", "2.5000 ± 0.0100 (n=3)", "954"],
    ]
    assert "ms/step is the time of a step in the quickest stretch between two validations" in markdown(table)
    assert "MiB is the peak (resident set) of memory" in markdown(table)
    assert "Time is that of training" not in markdown(table)
    assert values(table)[1]["ms_per_step"] == "151.5"
    assert values(table)[1]["step_ratio"] == "1.2"
    assert values(table)[1]["peak_mib"] == "953.674"
    usual = build_table(spec, six)
    assert not {"ms_per_step", "peak_mib", "choice"} & values(usual)[0].keys()
    assert "ms/step" not in markdown(usual)


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
    (found,) = [spec for spec in read_specs(TABLES) if spec.name == "mechanisms"]
    assert isinstance(found, VariantsSpec)
    rate = {"experiment": "mechanisms", "optimizer": {"name": "adamw", "learning_rate": 0.004}}
    records = [make_record(name, valid=2.4, settings=rate) for name in ("softmax", "dagpam")]
    timed = {**rate, "experiment": "mechanisms_timed"}
    records += [make_record(name, settings=timed) for name in ("softmax", "dagpam")]
    heading, _, softmax, dagpam = [
        line for line in markdown(build_table(found, records)).splitlines() if line[:1] == "|"
    ]
    assert all(" 4e-03 of 1 |" in row for row in (softmax, dagpam))
    assert all(name in heading for name in (" learning rate |", " ms/step |", " MiB |"))


def test_a_step_takes_what_it_took_in_the_quickest_stretch(make_record: MakeRecord) -> None:
    record = make_record(seconds=100.0, steps=400)
    busy = {"curve_seconds": [40.0, 50.0, 90.0, 100.0]}  # 100 steps each: 40, 10, 40 and 10 s
    assert step_seconds(dataclasses.replace(record, timing=record.timing | busy)) == pytest.approx(0.1)
    assert step_seconds(dataclasses.replace(record, curve=[])) == pytest.approx(100 / 800)


def test_costs_of_runs_that_were_made_to_be_timed(
    spec: VariantsSpec, six: list[TrainingRecord], make_record: MakeRecord
) -> None:
    alone = [
        make_record(name, seed, 9.9, settings={"experiment": "timed"}, seconds=seconds, peak=peak)
        for name, seconds, peak in (("softmax", 20.0, 100 * 2**20), ("dagpam", 26.0, 110 * 2**20))
        for seed in (1, 2)
    ]
    columns = ["score", "step_time", "peak_memory"]
    table = build_table(dataclasses.replace(spec, columns=columns, costs="timed"), [*six, *alone])
    text = markdown(table)
    assert [row.label for row in table.rows] == ["softmax", "dagpam"]
    assert "2.5000 ± 0.0100 (n=3)" in text and "9.9" not in text  # they are not scored
    assert "32 (× 1.30)" in text and "| 110 |" in text
    assert "Costs: of 2 runs a row that did nothing else, experiment=timed; Imaginary CPU" in text
    with pytest.raises(RecordError, match=r"made to be timed, and the table default has no run beside it"):
        build_table(dataclasses.replace(spec, costs="timed"), alone)


def test_where_nothing_was_timed_there_are_no_columns_of_costs(spec: VariantsSpec, six: list[TrainingRecord]) -> None:
    columns = ["score", "step_time", "peak_memory", "speed", "time", "memory"]
    table = build_table(dataclasses.replace(spec, columns=columns, costs="timed"), six)
    assert [row.costs for row in table.rows] == [None, None]
    heading, *_ = [line for line in markdown(table).splitlines() if line[:1] == "|"]
    assert [cell.strip() for cell in heading.strip("|").split("|")] == ["attention", "test bits per byte"]
    assert not [word for word in ("ms/step", "MiB", "memory", "Costs: ") if word in markdown(table)]


def test_a_row_that_was_not_timed_yet_is_blank(
    spec: VariantsSpec, six: list[TrainingRecord], make_record: MakeRecord
) -> None:
    timed = make_record("dagpam", settings={"experiment": "timed"}, seconds=20.0)
    table = build_table(dataclasses.replace(spec, columns=["step_time"], costs="timed"), [*six, timed])
    softmax, dagpam = csv.DictReader(io.StringIO(comma_separated(values(table))))
    assert (softmax["ms_per_step"], softmax["step_ratio"]) == ("", "")
    assert (dagpam["ms_per_step"], dagpam["step_ratio"]) == ("25", "")
    assert "| softmax   |       - |" in markdown(table)
