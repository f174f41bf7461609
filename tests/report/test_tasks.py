"""The same variants on several tasks: cells by hand, rows that are the same, and what must not share a column."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from described import tables
from made_up_tasks import BLEU, BYTES, TASKS, both_tasks, german, two_tasks

from reattend.records import RecordError, TrainingRecord
from reattend.report import parse_spec
from reattend.report.table import select
from reattend.report.tasks.numbers import Table, build_table
from reattend.report.tasks.specification import Column, TasksSpec
from reattend.report.tasks.text import markdown, values
from reattend.settings import SettingError

MakeRecord = Callable[..., TrainingRecord]


@pytest.fixture
def spec() -> TasksSpec:
    return both_tasks()


@pytest.fixture
def records() -> list[TrainingRecord]:
    return two_tasks()


def cells(table: Table) -> list[list[str]]:
    """Those of all grids, the lines below their headings left out."""
    found = [x for x in markdown(table).splitlines() if x.startswith("| ") and not x.startswith("| --")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found]


def test_cells_by_hand(spec: TasksSpec, records: list[TrainingRecord]) -> None:
    # -1, -2 and -3 %: deviation 1, half 4.3027 / sqrt 3; 5 and 6 %: deviation sqrt 0.5, half 12.7062 / 2
    assert cells(build_table(spec, records)) == [
        ["attention, control", "bytes ↓", "BLEU ↑"],
        ["softmax", "2.8333 ± 1.0408 (n=3)", "22.5 ± 3.5 (n=2)"],
        ["dagpam lambda_trainable=false", "+4.00 (n=1)", ""],
        [
            "dagpam lambda_trainable=true",
            "-2.00 [-4.48, +0.48], spans zero (n=3)",
            "+5.50 [-0.85, +11.85], spans zero (n=2)",
        ],
    ]


def test_values(spec: TasksSpec, records: list[TrainingRecord]) -> None:
    found = {(row["row"], row["task"]): row for row in values(build_table(spec, records))}
    assert len(found) == 5
    trained = found["dagpam lambda_trainable=true", "bytes"]
    assert (trained["n"], trained["pairs"], trained["percent"]) == (3, 3, "-2")
    assert (trained["percent_low"], trained["percent_high"]) == ("-4.48414", "0.484138")
    assert found["softmax", "BLEU"]["mean"] == "22.5" and found["softmax", "BLEU"]["percent"] == ""


def test_told(spec: TasksSpec, records: list[TrainingRecord]) -> None:
    text = markdown(build_table(spec, records))
    for said in (
        "A cell is the change of the task's metric to softmax in percent of it",
        "a minus is better where a column has ↓, a plus where it has ↑",
        "bytes: bits per byte on the test split of enwiki_sample, 304,487 bytes scored, as ever, context 128; lower",
        "BLEU: sacrebleu (bits per byte) on the test split",
        "higher is better. Runs: seeds 1, 2, 800 steps",
        "train with seed=1,2,3",
    ):
        assert said in text
    assert "intervals: " not in text and "as published" not in text


def test_a_text_that_is_not_the_published_one(spec: TasksSpec, make_record: MakeRecord) -> None:
    data: Any = make_record().data | {"mismatch": "7 tokens instead of 8"}
    text = markdown(build_table(spec, [dataclasses.replace(make_record(), data=data)]))
    assert "commit 0123456789. Not enwiki_sample as published: 7 tokens instead of 8." in text


def test_order_of_records_does_not_matter(spec: TasksSpec, records: list[TrainingRecord]) -> None:
    one, other = build_table(spec, records), build_table(spec, records[::-1])
    assert markdown(one) == markdown(other)
    assert values(one) == values(other)


def test_a_task_without_records_has_no_column(spec: TasksSpec, records: list[TrainingRecord]) -> None:
    table = build_table(spec, [record for record in records if record.config["experiment"] == "default"])
    assert cells(table)[0] == ["attention, control", "bytes ↓"]


def test_a_row_without_the_baseline(spec: TasksSpec, make_record: MakeRecord) -> None:
    table = build_table(spec, [make_record("softmax", 1), make_record("dagpam", 2)])
    assert cells(table)[2] == ["dagpam", "-"]


def test_the_experiments_of_the_columns_are_selected(spec: TasksSpec, records: list[TrainingRecord]) -> None:
    other = dataclasses.replace(records[0], config=records[0].config | {"experiment": "mine"})
    assert select(spec, [other, *records]) == records
    seeded = dataclasses.replace(spec, select={"seed": 2})
    assert {record.seed for record in select(seeded, records)} == {2}


def test_controls_are_rows_and_may_take_fewer_steps(spec: TasksSpec, make_record: MakeRecord) -> None:
    control: dict[str, Any] = {"control": {"name": "equal_time", "like": {"name": "softmax"}}}
    shorter = make_record("dagpam", 1, 2.4, settings=control, steps=500)
    table = build_table(spec, [make_record("softmax", 1, 2.5), make_record("dagpam", 1, 2.0), shorter])
    assert [row[0] for row in cells(table)[1:]] == ["softmax", "dagpam", "dagpam equal_time"]
    assert cells(table)[3][1] == "-4.00 (n=1)"
    assert "(dagpam equal_time: 500 steps on 2,048,000 tokens)" in markdown(table)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"sha256": "dead"}, "data sha256"),
        ({"settings": {"trainer.max_steps": 1600}}, r"trainer\.max_steps is 1600 but .* has 800"),
        ({"settings": {"model.width": 64}}, "has the same attention and control as .*, but other settings"),
    ],
)
def test_refuses_to_mix(other: dict[str, Any], told: str, spec: TasksSpec, make_record: MakeRecord) -> None:
    with pytest.raises(RecordError, match=told):
        build_table(spec, [make_record("softmax", 1), make_record("softmax", 2, **other)])


def test_each_task_has_its_own_best(make_record: MakeRecord) -> None:
    chosen = [
        column | {"evaluation": "as ever", "chosen_by": column["metric"].replace("test", "valid")}  # type: ignore[attr-defined]
        for column in (BYTES, BLEU)
    ]
    spec = both_tasks(columns=chosen, best_of="optimizer.lr")

    def valid(record: TrainingRecord, value: float) -> TrainingRecord:
        (name,) = record.metrics
        added = dataclasses.replace(record.metrics[name], value=value)
        return dataclasses.replace(record, metrics=record.metrics | {name.replace("test", "valid"): added})

    rates = {rate: {"optimizer.lr": rate} for rate in (0.001, 0.002)}
    records = [
        *(valid(make_record("softmax", 1, 2.0, settings=rates[rate]), rate) for rate in rates),
        *(valid(make_record("dagpam", 1, 2 - 10 * rate, settings=rates[rate]), -rate) for rate in rates),
        *(valid(german("softmax", 1, 20.0, settings=rates[rate]), rate) for rate in rates),
        valid(german("dagpam", 1, 21.0, settings=rates[0.001]), 1.0),
    ]
    table = build_table(spec, records)
    assert cells(table)[3:] == [
        ["lr", "bytes ↓", "BLEU ↑"],
        ["softmax", "1e-03 of 2, edge", "2e-03 of 2, edge"],
        ["dagpam", "2e-03 of 2, edge", "1e-03 of 1"],
    ]
    assert cells(table)[2] == ["dagpam", "-1.00 (n=1)", "+5.00 (n=1)"]
    assert "bytes: Each row at its best of the lrs" in markdown(table)
    assert values(table)[-1]["lr"] == 0.001


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"columns": []}, r"columns=\[\]: expected at least one"),
        ({"columns": TASKS["columns"][:1] * 2}, "each with a title of its own"),
        ({"best_of": "optimizer.lr"}, "chosen_by=None: expected a value beside best_of"),
        ({"columns": [{"title": "bytes"}]}, r"table\.columns\.experiment=\?\?\?"),
    ],
)
def test_a_description_with_a_mistake(change: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingError, match=told):
        parse_spec(TASKS | change)


def test_the_tables_of_conf() -> None:
    found = {name: spec for name, spec in tables().items() if isinstance(spec, TasksSpec)}
    assert found.keys() == {"lambdas", "mechanisms_tasks"}
    assert all(isinstance(column, Column) for spec in found.values() for column in spec.columns)
    assert all(found["mechanisms_tasks"].task(column).best for column in found["mechanisms_tasks"].columns)
