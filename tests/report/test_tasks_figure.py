"""The map of rows and tasks: its colours, marks and files."""

from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_tasks import both_tasks, two_tasks
from matplotlib.figure import Figure

from reattend.records import TrainingRecord, write_record
from reattend.report import write_report
from reattend.report.tasks import figure
from reattend.report.tasks.numbers import build_table
from reattend.report.tasks.specification import TasksSpec

MakeRecord = Callable[..., TrainingRecord]


@pytest.fixture
def spec() -> TasksSpec:
    return both_tasks()


@pytest.fixture
def records() -> list[TrainingRecord]:
    return two_tasks()


def test_blue_is_better(spec: TasksSpec, records: list[TrainingRecord]) -> None:
    (_, _, trained) = build_table(spec, records).rows
    bits, bleu = spec.columns
    assert trained.cells["bytes"].change is not None and trained.cells["BLEU"].change is not None
    assert figure._gain(bits, trained.cells["bytes"].change) == pytest.approx(2.0)
    assert figure._gain(bleu, trained.cells["BLEU"].change) == pytest.approx(5.5)
    worse, middle, better = (figure.COLOURS(float(figure._scale([-4.0, 4.0])(gain))) for gain in (-4, 0, 4))
    assert better[2] > better[0] and worse[0] > worse[2] and min(middle) > 0.9


def test_marks_of_cells(spec: TasksSpec, make_record: MakeRecord) -> None:
    records = [make_record("softmax", seed, 2.0) for seed in (1, 2, 3)]
    for name, bits in (("sure", (1.98, 1.981, 1.979)), ("open", (1.98, 2.05, 1.9)), ("one", (1.9,))):
        records += [make_record(name, seed, value) for seed, value in enumerate(bits, 1)]
    column = spec.columns[0]
    marks = {}
    for row in build_table(spec, records).rows[1:]:
        axes = Figure().subplots()
        change = row.cells["bytes"].change
        assert change is not None
        figure._draw_cell(axes, (0, 0), (column, change), scale=figure._scale([1.0]), decimals=2)
        (text,) = axes.texts
        marks[row.label] = (text.get_text(), text.get_weight(), any(patch.get_hatch() for patch in axes.patches))
    assert marks == {
        "sure": ("-1.00 % *", "bold", False),
        "open": ("-1.17 %", "normal", False),
        "one": ("-5.00 %", "normal", True),
    }


def test_nothing_to_compare_yet(spec: TasksSpec, make_record: MakeRecord, tmp_path: Path) -> None:
    figure.draw(build_table(spec, [make_record()]), tmp_path / "empty.png")
    assert (tmp_path / "empty.png").stat().st_size > 0


def test_files(spec: TasksSpec, records: list[TrainingRecord], tmp_path: Path) -> None:
    for record in records:
        write_record(record, tmp_path / "runs" / f"{record.name}.json")
    write_report(tmp_path, [spec], say=lambda _: None)
    assert (tmp_path / "tables/both.csv").read_text().startswith("row,task,metric,n,mean,sd,pairs,percent")
    first = (tmp_path / "figures/both.png").read_bytes()
    write_report(tmp_path, [spec], say=lambda _: None)
    assert (tmp_path / "figures/both.png").read_bytes() == first
