"""Layers and scores of many rows: what goes together, the picture, and each row at its best rate."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from made_up_diagnostics import SETTINGS, diagnosed

from reattend.records import TrainingRecord
from reattend.report.collapse.figure import draw
from reattend.report.collapse.numbers import Row, build_table
from reattend.report.collapse.specification import CollapseSpec
from reattend.report.collapse.text import markdown, values

MakeRecord = Callable[..., TrainingRecord]


@pytest.fixture
def many(make_record: MakeRecord) -> list[TrainingRecord]:
    """Six rows whose scores fall as their ratios rise, but for one; gradients rise with the ratios."""
    rows = {"softmax": (0.7, 2.9), "dagpam": (0.8, 2.6), "cog": (0.75, 2.7), "nap": (0.9, 2.5), "non": (0.6, 9.0)}
    rows["coda"] = (0.85, 2.65)
    return [
        diagnosed(
            make_record(name, 1, bits, settings=SETTINGS),
            ratio,
            query=(ratio**2, ratio),
            learned={"lambda_positive": [[1.0], [2.0]]} if name == "dagpam" else None,
        )
        for name, (ratio, bits) in rows.items()
    ]


def test_correlations(claimed: CollapseSpec, many: list[TrainingRecord]) -> None:
    table = build_table(claimed, many)
    # ranks of the score along rising ratios: 6, 5, 4, 2, 3, 1: squares 25 + 9 + 1 + 4 + 4 + 25; 1 - 6 * 68 / 210
    assert table.ratio_and_score is not None and table.ratio_and_score.n == 6
    assert table.ratio_and_score.spearman.value == pytest.approx(1 - 6 * 68 / 210)
    assert table.gradient_and_score is not None
    assert table.gradient_and_score.spearman == table.ratio_and_score.spearman  # the same order
    text = markdown(table)
    assert "Residual ratio and test bits per byte: over 6 rows Spearman's rho is -0.94 [-1.00, " in text
    assert "it would be negative" in text
    assert "it would be positive" in markdown(build_table(dataclasses.replace(claimed, lower_is_better=False), many))


def test_the_picture(claimed: CollapseSpec, many: list[TrainingRecord], tmp_path: Path) -> None:
    draw(build_table(claimed, many), tmp_path / "full.png")
    assert (tmp_path / "full.png").stat().st_size > 20_000


def test_rows_at_their_best_rate(claimed: CollapseSpec, many: list[TrainingRecord]) -> None:
    best = dataclasses.replace(claimed, best_of="optimizer.lr", chosen_by="valid/bits_per_byte")
    records = []
    for record in many:
        for rate in (0.001, 0.002):
            config = {**record.config, "optimizer": {"name": "adamw", "lr": rate}}
            score = record.metrics[claimed.metric]
            bits = 2.0 if (rate == 0.002) == (record.config["attention"]["name"] == "dagpam") else 2.1
            valid = dataclasses.replace(score, value=bits)
            metrics = {claimed.metric: score, "valid/bits_per_byte": valid}
            records.append(dataclasses.replace(record, config=config, metrics=metrics, name=f"{record.name}_{rate}"))
    table = build_table(best, records)
    chosen: dict[str, Row] = {row.label: row for row in table.rows}
    assert len(chosen) == 6 and chosen["dagpam"].scored.choice is not None
    assert chosen["dagpam"].records[0].config["optimizer"]["lr"] == 0.002
    assert chosen["dagpam"].ratio.difference is not None  # to softmax at the other rate
    text = markdown(table)
    assert "| 2e-03 of 2, edge |" in text and "At another lr than softmax: dagpam. " in text
    assert values(table)[0]["lr"] == 0.001
