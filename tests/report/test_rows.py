"""Which records are a row, what it is called, and which baseline it is compared with."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from reattend.records import RecordError, TrainingRecord
from reattend.report.variants.numbers import build_table
from reattend.report.variants.specification import VariantsSpec

MakeRecord = Callable[..., TrainingRecord]


def test_pairs_are_the_common_seeds(spec: VariantsSpec, six: list[TrainingRecord]) -> None:
    _, dagpam = build_table(spec, six[1:]).rows  # softmax lacks seed 1
    assert dagpam.score.n == 3
    assert dagpam.difference is not None
    assert (dagpam.difference.n, dagpam.difference.mean) == (2, pytest.approx(-0.04))


def test_variants_are_named_by_what_differs(spec: VariantsSpec, make_record: MakeRecord) -> None:
    fixed = {"attention.lambda_trainable": False}
    records = [make_record(), make_record("dagpam"), make_record("dagpam", settings=fixed)]
    rows = build_table(spec, records).rows
    labels = ["softmax", "dagpam lambda_trainable=false", "dagpam lambda_trainable=true"]
    assert [row.label for row in rows] == labels
    assert all(row.difference for row in rows[1:])


def test_another_model_is_named_once_and_paired_with_its_own_baseline(
    spec: VariantsSpec, make_record: MakeRecord
) -> None:
    tiny: dict[str, Any] = {"model.name": "tiny", "model.width": 32}
    records = [
        *(make_record(bits=2.5), make_record("dagpam", bits=2.4)),
        *(make_record(bits=3.5, settings=tiny), make_record("dagpam", bits=3.3, settings=tiny)),
    ]
    rows = {row.label: row for row in build_table(spec, records).rows}
    assert set(rows) == {f"{a} model.name={m}" for a in ("softmax", "dagpam") for m in ("small", "tiny")}
    difference = rows["dagpam model.name=tiny"].difference
    assert difference is not None
    assert difference.mean == pytest.approx(-0.2)


def test_no_baseline_on_equal_terms_no_difference(spec: VariantsSpec, make_record: MakeRecord) -> None:
    longer = make_record("dagpam", settings={"trainer.max_steps": 1600})
    rows = build_table(spec, [make_record(), longer]).rows
    assert rows[1].label == "dagpam trainer.max_steps=1600"
    assert rows[1].difference is None


def test_the_nearest_of_two_baselines(spec: VariantsSpec, make_record: MakeRecord) -> None:
    records = [
        make_record(name, bits=bits, settings={"attention.dropout": dropout})
        for name, dropout, bits in (("softmax", 0.0, 2.5), ("softmax", 0.1, 2.7), ("dagpam", 0.1, 2.6))
    ]
    rows = {row.label: row for row in build_table(spec, records).rows}
    difference = rows["dagpam"].difference
    assert difference is not None
    assert difference.mean == pytest.approx(-0.1)


def test_a_record_without_the_row_key(spec: VariantsSpec, make_record: MakeRecord) -> None:
    with pytest.raises(RecordError, match=r"no key policy\.name"):
        build_table(dataclasses.replace(spec, rows="policy.name"), [make_record()])
