"""Rows at their best of a small grid: chosen by a validation score, on equal terms, and never by the test's."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from reattend.records import RecordError, TrainingRecord
from reattend.report.grid import short
from reattend.report.variants.best import best_of
from reattend.report.variants.numbers import Row, build_table
from reattend.report.variants.specification import VariantsSpec
from reattend.report.variants.text import markdown, values
from reattend.settings import SettingError

MakeRecord = Callable[..., TrainingRecord]
KEYS: dict[str, Any] = {"best_of": "optimizer.lr", "chosen_by": "valid/bits_per_byte"}


@pytest.fixture
def chosen(spec: VariantsSpec) -> VariantsSpec:
    return dataclasses.replace(spec, **KEYS)


@pytest.fixture
def make(make_record: MakeRecord) -> MakeRecord:
    """`make(attention, rate, seed, test, valid)`."""

    def made(attention: str, rate: float, seed: int, test: float, valid: float, **options: Any) -> TrainingRecord:
        settings = options.pop("settings", {}) | {"optimizer.lr": rate}
        return make_record(attention, seed, test, valid=valid, settings=settings, **options)

    return made


@pytest.fixture
def grid(make: MakeRecord) -> list[TrainingRecord]:
    """softmax is best at 0.002 and daGPAM at 0.004, but for the test scores, which would choose otherwise."""
    return [
        *(make("softmax", 0.002, seed, 2.50 + seed / 100, 2.40) for seed in (1, 2, 3)),
        make("softmax", 0.004, 1, 2.30, 2.41),
        *(make("dagpam", 0.002, seed, 2.20, 2.36) for seed in (1, 2)),
        *(make("dagpam", 0.004, seed, 2.48, 2.35) for seed in (1, 2)),
        make("dagpam", 0.001, 1, 2.10, 2.39),
    ]


def by_label(spec: VariantsSpec, records: list[TrainingRecord]) -> dict[str, Row]:
    return {row.label: row for row in build_table(spec, records).rows}


def test_chosen_by_validation_alone(chosen: VariantsSpec, grid: list[TrainingRecord]) -> None:
    rows = by_label(chosen, grid)
    assert list(rows) == ["softmax", "dagpam"]
    softmax, dagpam = rows.values()
    assert softmax.choice is not None and dagpam.choice is not None
    assert (softmax.choice.value, dagpam.choice.value) == (0.002, 0.004)
    assert (softmax.choice.tried, dagpam.choice.tried) == ([0.002, 0.004], [0.001, 0.002, 0.004])
    assert softmax.score.mean == pytest.approx(2.52) and softmax.score.n == 3
    assert dagpam.difference is not None  # each at its own best, paired by the seeds that both have
    assert dagpam.difference.mean == pytest.approx(2.48 - (2.51 + 2.52) / 2)
    assert dagpam.difference.n == 2


def test_only_seeds_that_all_values_share_have_a_say(chosen: VariantsSpec, make: MakeRecord) -> None:
    records = [
        make("softmax", 0.002, 1, 2.5, 2.40),
        make("softmax", 0.004, 1, 2.5, 2.41),
        make("softmax", 0.004, 2, 2.5, 2.00),  # a lucky seed of one value alone
    ]
    (row,) = build_table(chosen, records).rows
    assert row.choice is not None
    assert (row.choice.value, row.choice.seeds) == (0.002, 1)


def test_the_direction_is_that_of_the_metric(spec: VariantsSpec, make_record: MakeRecord) -> None:
    bleu = dataclasses.replace(spec, metric="test/bleu", lower_is_better=False)
    records = [
        make_record(bits=30 + i, valid=valid, metric="bleu", settings={"optimizer.lr": rate})
        for i, (rate, valid) in enumerate(((0.001, 20.0), (0.002, 22.0), (0.004, 21.0)))
    ]
    (row,) = build_table(dataclasses.replace(bleu, best_of="optimizer.lr", chosen_by="valid/bleu"), records).rows
    assert row.choice is not None and row.choice.value == 0.002
    bits = best_of("x", of="optimizer.lr", by="valid/bits_per_token", metric="test/bleu", lower_is_better=False)
    assert bits is not None and bits.lower_is_better


def test_told(chosen: VariantsSpec, grid: list[TrainingRecord]) -> None:
    table = build_table(chosen, grid)
    text = markdown(table)
    heading, _, softmax, dagpam = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    )
    assert (heading[1], softmax[1], dagpam[1]) == ("lr", "2e-03 of 2, edge", "4e-03 of 3, edge")
    assert "best of the lrs it was trained at, chosen by valid bits per byte over the seeds that all lrs" in text
    assert "(n=1); never by the score shown. Edge: " in text
    assert "Of 1" not in text
    found = values(table)[1]
    assert (found["lr"], found["lr_tried"], found["lr_seeds"]) == (0.004, "0.001 0.002 0.004", 1)


def test_the_middle_of_a_grid_is_no_edge(chosen: VariantsSpec, make: MakeRecord) -> None:
    records = [make("softmax", rate, 1, 2.5, 2.4 + abs(rate - 0.002)) for rate in (0.001, 0.002, 0.004)]
    text = markdown(build_table(chosen, [*records, make("dagpam", 0.002, 1, 2.4, 2.3)]))
    assert "| 2e-03 of 3 |" in text and "| 2e-03 of 1 |" in text
    assert "Of 1: there was no other to choose from." in text
    assert "edge" not in text.lower()


def test_one_value_everywhere_is_no_choice(chosen: VariantsSpec, make: MakeRecord) -> None:
    text = markdown(build_table(chosen, [make("softmax", 0.002, 1, 2.5, 2.4)]))
    assert "Each row was trained at one lr alone: none was chosen." in text


def test_other_settings_still_divide(chosen: VariantsSpec, grid: list[TrainingRecord], make: MakeRecord) -> None:
    longer = make("dagpam", 0.002, 1, 2.3, 2.3, settings={"trainer.max_steps": 1600})
    rows = by_label(chosen, [*grid, longer])
    assert rows["dagpam trainer.max_steps=1600"].difference is None
    assert rows["dagpam trainer.max_steps=800"].difference is not None


def test_no_seed_in_common(chosen: VariantsSpec, make: MakeRecord) -> None:
    records = [make("softmax", 0.002, 1, 2.5, 2.4), make("softmax", 0.004, 2, 2.5, 2.4)]
    with pytest.raises(RecordError, match=r"no seed is common to all values of optimizer\.lr .* Train one seed"):
        build_table(chosen, records)


def test_a_record_that_cannot_be_chosen(chosen: VariantsSpec, make_record: MakeRecord) -> None:
    with pytest.raises(RecordError, match=r"no metric valid/bits_per_byte .*Set table\.default\.chosen_by"):
        build_table(chosen, [make_record()])
    elsewhere = dataclasses.replace(chosen, best_of="optimizer.nothing")
    with pytest.raises(RecordError, match=r"no key optimizer\.nothing"):
        build_table(elsewhere, [make_record(valid=2.4)])


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"best_of": "optimizer.lr"}, r"chosen_by=None: expected a value beside best_of"),
        ({"chosen_by": "valid/bits_per_byte"}, r"best_of=None: expected a value beside chosen_by"),
        (KEYS | {"chosen_by": "test/bits_per_byte"}, r"expected a metric of another split than test"),
        (KEYS | {"chosen_by": "valid/sacrebleu"}, r"expected bits_per_byte or bits_per_\.\.\."),
    ],
)
def test_bad_keys(keys: dict[str, Any], told: str, spec: VariantsSpec) -> None:
    with pytest.raises(SettingError, match=told):
        dataclasses.replace(spec, **keys)


@pytest.mark.parametrize(
    ("value", "text"), [(0.004, "4e-03"), (0.0025, "2.5e-03"), (0.25, "0.25"), (1, "1"), (0, "0"), ("adamw", "adamw")]
)
def test_short_numbers(value: object, text: str) -> None:
    assert short(value) == text
