"""Time and memory as columns: what a step takes, of which runs, and tables of runs that were not timed."""

import csv
import dataclasses
import io
from collections.abc import Callable

import pytest

from reattend.records import RecordError, TrainingRecord
from reattend.report.grid import comma_separated
from reattend.report.variants.costs import step_seconds
from reattend.report.variants.numbers import build_table
from reattend.report.variants.specification import VariantsSpec
from reattend.report.variants.text import markdown, values

MakeRecord = Callable[..., TrainingRecord]


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
