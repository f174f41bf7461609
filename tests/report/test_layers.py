"""Layers, initial and trained: numbers by hand, rows of the picture, and what cannot stand together."""

import csv
import dataclasses
import io
import math
from pathlib import Path
from typing import Any

import pytest
from described import conf_table
from made_up_diagnostics import make_diagnostics

from reattend.records import DiagnosticsRecord, RecordError
from reattend.report.grid import comma_separated
from reattend.report.layers.figure import _band, draw, left_out
from reattend.report.layers.numbers import Measure, Row, build_table
from reattend.report.layers.specification import LayersSpec
from reattend.report.layers.text import markdown, values
from reattend.report.table import select
from reattend.settings import SettingError


@pytest.fixture(scope="module")
def layered() -> LayersSpec:
    return conf_table("layers", LayersSpec)


@pytest.fixture
def four() -> list[DiagnosticsRecord]:
    """Two seeds of two mechanisms: ratios × 1.1 and × 1.21, gradients × 2 and × 8, cosines -0.1 and -0.2."""
    return [
        make_diagnostics(seed=1, ratio=0.5, cosine=0.4),
        make_diagnostics(seed=2, ratio=0.6, cosine=0.5),
        make_diagnostics("dagpam", 1, 0.55, cosine=0.3, query=(0.2, 0.8)),
        make_diagnostics("dagpam", 2, 0.726, cosine=0.3, query=(0.8, 3.2)),
    ]


def test_numbers_by_hand(layered: LayersSpec, four: list[DiagnosticsRecord]) -> None:
    softmax, dagpam = build_table(layered, four).rows
    measure = Measure("trained", "no_skip", "residual_ratio")
    found = dagpam.compared(measure, lambda one: one.last(measure))
    assert found.own is not None and found.own.mean == pytest.approx(0.00638)
    assert found.difference is not None and math.exp(found.difference.mean) == pytest.approx(1.1**1.5)
    # half of ln 1.1 is the standard error of two values; t(1) is 12.7062
    assert found.difference.interval is not None
    assert found.difference.interval[1] == pytest.approx(1.5 * math.log(1.1) + 12.7062 * 0.5 * math.log(1.1), rel=1e-5)
    measure = Measure("initial", "full", "gradient_query")
    found = dagpam.compared(measure, lambda one: one.overall(measure))
    assert found.own is not None and found.own.mean == pytest.approx((0.04 + 0.16) / 2)  # sqrt(0.02 * 0.08), ...
    assert found.difference is not None and math.exp(found.difference.mean) == pytest.approx(4.0)
    measure = Measure("trained", "full", "token_cosine")
    found = dagpam.compared(measure, lambda one: one.last(measure))
    assert found.difference is not None and found.difference.mean == pytest.approx(-0.15)
    assert softmax.compared(measure, lambda one: one.last(measure)).difference is None


def test_the_table(layered: LayersSpec, four: list[DiagnosticsRecord]) -> None:
    text = markdown(build_table(layered, four))
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line]
    heading = ["stack: attention, control", "initial", "ratio to softmax", "trained", "ratio to softmax"]
    assert lines.count(heading) == 2 and len(lines) == (2 + 8) + (2 + 8) + (2 + 2)
    (row,) = [line for line in lines if line[0] == "no_skip: dagpam" and line[1].startswith("0.00")]
    assert row[1] == "0.00319 ± 0.00062"
    assert row[2].startswith("× 1.15 [") and row[2].endswith(", spans one")
    assert lines[-1][:2] == ["full: dagpam", "0.100 ± 0.085"]
    assert "8 blocks of 64 bytes of the valid split of enwiki_sample" in text and "seeds (1, 2), ±" in text


def test_csv(layered: LayersSpec, four: list[DiagnosticsRecord]) -> None:
    rows = list(csv.DictReader(io.StringIO(comma_separated(values(build_table(layered, four))))))
    assert len(rows) == 2 * 2 * (4 * 2 * 3 + 3 * 2)  # rows, whens, stacks, quantities, layers and gradients
    (found,) = [
        row
        for row in rows
        if (row["row"], row["when"], row["stack"]) == ("dagpam", "trained", "full")
        and (row["quantity"], row["layer"]) == ("gradient_query", "2")
    ]
    assert (found["n"], found["mean"], found["compared_by"], found["to_baseline"]) == ("2", "2", "ratio", "4")


def test_what_is_not_defined(layered: LayersSpec, four: list[DiagnosticsRecord], tmp_path: Path) -> None:
    table = build_table(
        layered, [*four, make_diagnostics("nap", 1, None, cosine=None), make_diagnostics("nap", 2, None, cosine=0.2)]
    )
    text = markdown(table)
    (row,) = [row for row in table.rows if row.label == "nap"]
    measure = Measure("trained", "full", "residual_ratio")
    assert row.compared(measure, lambda one: one.last(measure)).own is None
    assert "0.200 ± - (n=1)" in text
    draw(table, tmp_path / "gaps.png")
    assert (tmp_path / "gaps.png").stat().st_size > 20_000


def test_bands() -> None:
    assert _band([1.0, 3.0], False) == pytest.approx((2 - math.sqrt(2), 2, 2 + math.sqrt(2)))
    low, middle, high = _band([0.001, 0.1], True)
    assert middle == pytest.approx(0.01) and low * high == pytest.approx(1e-4) and 0 < low < middle
    assert all(map(math.isnan, _band([], False)))


def test_rows_of_the_picture(layered: LayersSpec) -> None:
    names = ("softmax", "cog", "nap", "dagpam", "coda")
    spec = dataclasses.replace(layered, drawn=["dagpam", "softmax"])
    table = build_table(spec, [*map(make_diagnostics, names), make_diagnostics(control="deeper")])
    assert left_out(table) == ["coda", "cog", "nap", "softmax deeper"]
    assert "Not in the picture: coda, cog, nap, softmax deeper." in markdown(table)
    for drawn in ([], list("abcdefg")):
        with pytest.raises(SettingError, match=r"table\.layers\.drawn=.*expected one to 6 rows"):
            dataclasses.replace(layered, drawn=drawn)


def test_more_variants_than_can_be_told_apart(layered: LayersSpec) -> None:
    spec = dataclasses.replace(layered, drawn=["softmax"], best_of=None)
    table = build_table(spec, [make_diagnostics(rate=rate / 1000) for rate in range(1, 9)])
    assert len(table.rows) == 8 and len(left_out(table)) == 2


def test_rows_at_their_best_rate(layered: LayersSpec) -> None:
    """Each at that with the fewest nats, the baseline too; what they do is compared though the rates differ."""
    records = [
        make_diagnostics(rate=0.002, nats=1.9, ratio=0.5),
        make_diagnostics(rate=0.004, nats=2.0, ratio=0.6),
        make_diagnostics("dagpam", rate=0.002, nats=2.0, ratio=0.7),
        make_diagnostics("dagpam", rate=0.004, nats=1.8, ratio=0.8),
    ]
    table = build_table(layered, records)
    measure = Measure("trained", "full", "residual_ratio")
    rows: dict[str, Row] = {row.label: row for row in table.rows}
    found = rows["dagpam"].compared(measure, lambda one: one.last(measure)).difference
    assert list(rows) == ["softmax", "dagpam"]
    assert found is not None and math.exp(found.mean) == pytest.approx(1.6)
    assert "chosen by nats per token of these blocks" in markdown(table)
    assert "softmax 2e-03 of 2, edge; dagpam 4e-03 of 2, edge." in markdown(table)


@pytest.mark.parametrize("other", [{"sha256": "dead"}, {"split": "test"}, {"samples": 4}, {"length": 32}])
def test_other_blocks_are_refused(layered: LayersSpec, other: dict[str, Any]) -> None:
    with pytest.raises(RecordError, match=rf"{next(iter(other))} is .*cannot stand in one table \(layers\)"):
        build_table(layered, [make_diagnostics(), make_diagnostics("dagpam", **other)])


def test_select_asks_for_the_training(layered: LayersSpec) -> None:
    mine = make_diagnostics()
    assert select(layered, [mine, make_diagnostics(experiment="default")]) == [mine]
    assert select(dataclasses.replace(layered, select={"samples": 8, "trained.control.name": "none"}), [mine]) == [mine]
