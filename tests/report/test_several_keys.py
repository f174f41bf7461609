"""Rows that several settings name together: the mechanism and the control of its parameters."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from made_up_test_sets import make_translation

from reattend.records import RecordError, TrainingRecord
from reattend.report import parse_spec
from reattend.report.table import select
from reattend.report.translations.numbers import build_table as build_translations
from reattend.report.translations.specification import TranslationsSpec
from reattend.report.translations.text import markdown as translations_markdown
from reattend.report.variants.numbers import build_table
from reattend.report.variants.specification import VariantsSpec
from reattend.report.variants.text import markdown
from reattend.settings import SettingError

MakeRecord = Callable[..., TrainingRecord]
WIDER: dict[str, Any] = {"control": {"name": "wider", "like": {"name": "dagpam", "lambda_init": 1.0}}}
NONE: dict[str, Any] = {"control": {"name": "none"}}


@pytest.fixture
def both(spec: VariantsSpec) -> VariantsSpec:
    return dataclasses.replace(spec, rows=["attention.name", "control.name"])


@pytest.fixture
def three(make_record: MakeRecord) -> list[TrainingRecord]:
    """softmax of before controls came, daGPAM and the control of after."""
    return [
        make_record("softmax", bits=2.5),
        make_record("dagpam", bits=2.4, settings=NONE, extra=8_000),
        make_record("softmax", bits=2.45, settings=WIDER, extra=7_800),
    ]


def test_rows(both: VariantsSpec, three: list[TrainingRecord]) -> None:
    rows = {row.label: row for row in build_table(both, three).rows}
    assert list(rows) == ["softmax", "dagpam", "softmax wider"]
    differences = {label: row.difference.mean for label, row in rows.items() if row.difference}
    assert differences == {"dagpam": pytest.approx(-0.1), "softmax wider": pytest.approx(-0.05)}
    text = markdown(build_table(both, three))
    assert "| attention, control | test bits per byte |" in text.replace("  ", "")
    assert "807,800 (+0.97 %)" in text


def test_a_control_is_never_the_baseline_of_another_row(both: VariantsSpec, three: list[TrainingRecord]) -> None:
    _, dagpam = build_table(both, three[1:]).rows[::-1]
    assert dagpam.label == "dagpam" and dagpam.difference is None  # there is no plain softmax


def test_other_settings_still_divide(both: VariantsSpec, three: list[TrainingRecord], make_record: MakeRecord) -> None:
    longer = make_record(bits=2.3, settings={**WIDER, "trainer.max_steps": 1600})
    rows = {row.label: row for row in build_table(both, [*three, longer]).rows}
    assert rows["softmax wider trainer.max_steps=1600"].difference is None
    assert rows["softmax wider trainer.max_steps=800"].difference is not None


def test_controls_that_match_different_mechanisms(
    both: VariantsSpec, three: list[TrainingRecord], make_record: MakeRecord
) -> None:
    other = {"control": {"name": "wider", "like": {"name": "dagpam", "lambda_init": 0.5}}}
    labels = {row.label for row in build_table(both, [*three, make_record(settings=other)]).rows}
    assert labels == {"softmax", "dagpam", "softmax wider like.lambda_init=0.5", "softmax wider like.lambda_init=1.0"}
    other = {"control": {"name": "wider", "like": {"name": "diff_v2", "scale": 2.0}}}  # its options differ anyway
    labels = {row.label for row in build_table(both, [*three, make_record(settings=other)]).rows}
    assert labels == {"softmax", "dagpam", "softmax wider like.name=dagpam", "softmax wider like.name=diff_v2"}


def test_one_key_tells_controls_apart_by_their_setting(spec: VariantsSpec, three: list[TrainingRecord]) -> None:
    rows = {row.label: row for row in build_table(spec, three).rows}
    assert list(rows) == ["softmax", "softmax control.name=wider", "dagpam"]
    assert rows["dagpam"].difference is not None
    assert rows["dagpam"].difference.mean == pytest.approx(-0.1)  # to softmax without the control


def test_the_control_alone(spec: VariantsSpec, three: list[TrainingRecord]) -> None:
    alone = dataclasses.replace(spec, rows="control.name", baseline="none")
    rows = {row.label: row for row in build_table(alone, three).rows}
    wider = "wider attention.name=softmax"
    assert list(rows) == ["none attention.name=dagpam", "none attention.name=softmax", wider]
    assert rows[wider].difference is not None  # to the same mechanism without it
    assert rows[wider].difference.mean == pytest.approx(-0.05)


def test_select_knows_what_always_was(spec: VariantsSpec, three: list[TrainingRecord]) -> None:
    without = dataclasses.replace(spec, select={"control.name": "none"})
    assert select(without, three) == three[:2]


@pytest.mark.parametrize(("rows", "told"), [([], "rows=[]: expected at least one key"), ([3], "rows=3: expected text")])
def test_bad_keys(rows: Any, told: str, spec: VariantsSpec, three: list[TrainingRecord]) -> None:
    with pytest.raises(SettingError) as refused:
        build_table(dataclasses.replace(spec, rows=rows), three)
    assert told in str(refused.value)


def test_a_key_that_no_record_has(both: VariantsSpec, three: list[TrainingRecord]) -> None:
    with pytest.raises(RecordError, match=r"no key policy\.name"):
        build_table(dataclasses.replace(both, rows=["attention.name", "policy.name"]), three)


def test_translations() -> None:
    values = {"layout": "translations", "name": "x", "title": "x", "select": {"trained.control.name": "none"}}
    found = parse_spec(values | {"rows": ["attention.name", "control.name"], "baseline": "softmax"})
    assert isinstance(found, TranslationsSpec)
    records = [
        make_translation(),
        make_translation("dagpam", quality=0.75, trained=NONE),
        make_translation(quality=0.72, trained=WIDER),
    ]
    assert select(found, records) == records[:2]
    table = build_translations(found, records)
    assert [row.label for row in table.blocks[0].rows] == ["softmax", "dagpam", "softmax wider"]
    assert all(row.difference for row in table.blocks[0].rows[1:])
    assert "| attention, control |" in translations_markdown(table).replace("  ", "")
