"""The numbers of a table against a calculation by hand, and what must not stand in one table."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import pytest

from reattend.records import Metric, RecordError, TrainingRecord
from reattend.report.grid import comma_separated
from reattend.report.table import select
from reattend.report.variants.cells import extra_percent
from reattend.report.variants.numbers import build_table
from reattend.report.variants.specification import VariantsSpec
from reattend.report.variants.text import markdown, values

MakeRecord = Callable[..., TrainingRecord]


def test_numbers_by_hand(spec: VariantsSpec, six: list[TrainingRecord]) -> None:
    softmax, dagpam = build_table(spec, six).rows
    assert (softmax.label, dagpam.label) == ("softmax", "dagpam")
    assert softmax.score.mean == pytest.approx(2.53)
    assert softmax.score.deviation == pytest.approx(0.0360555)  # sqrt((0.03² + 0.01² + 0.04²) / 2)
    assert softmax.difference is None
    assert softmax.costs.time_ratio is None
    assert dagpam.difference is not None
    assert dagpam.difference.mean == pytest.approx(-0.03)
    assert dagpam.difference.interval == pytest.approx((-0.0957241, 0.0357241), abs=1e-6)
    assert extra_percent(dagpam.parameters, dagpam.extra) == pytest.approx(1.0)  # 8,000 over 800,000
    assert dagpam.costs.time_ratio == pytest.approx(1.2)
    assert dagpam.costs.memory_ratio == pytest.approx(1.25)
    assert dagpam.costs.tokens_per_second == pytest.approx(800 * 4096 / (102 * 1.2))
    assert [number.value for number in dagpam.published] == [-0.0055]


def test_markdown(spec: VariantsSpec, six: list[TrainingRecord]) -> None:
    lines = markdown(build_table(spec, six)).splitlines()
    assert lines[0] == f"**{spec.title}**"
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert table[0] == [
        *("attention", "test bits per byte", "Δ to softmax", "parameters"),
        *("tokens/s", "time", "memory", "published Δ"),
    ]
    assert table[2] == ["softmax", "2.5300 ± 0.0361 (n=3)", "-", "800,000", "32,125", "-", "-", "-"]
    assert table[3] == [
        *("dagpam", "2.5000 ± 0.0100 (n=3)", "-0.0300 [-0.0957, +0.0357], spans zero"),
        *("808,000 (+1.00 %)", "26,771", "× 1.20", "× 1.25", "-0.0055"),
    ]
    below = "\n".join(line for line in lines if line.startswith("- "))
    for said in (
        *("bits per byte on the test split of enwiki_sample, 304,487 bytes scored", "non-overlapping blocks"),
        *(
            "context 128",
            "lower is better",
            "seeds 1, 2, 3",
            "800 steps on 3,276,800 tokens",
            "Imaginary CPU",
        ),
        *(
            "commit 0123456789",
            "second-hand",
            "bits per character on enwik8",
            "spans zero leaves the sign open",
        ),
    ):
        assert said in below


def test_csv(spec: VariantsSpec, six: list[TrainingRecord]) -> None:
    header, _softmax, dagpam = comma_separated(values(build_table(spec, six))).splitlines()
    found = dict(zip(header.split(","), dagpam.split(","), strict=False))
    assert (found["row"], found["n"], found["pairs"]) == ("dagpam", "3", "3")
    assert (found["mean"], found["sd"], found["delta"]) == ("2.5", "0.01", "-0.03")
    assert (found["delta_low"], found["delta_high"]) == ("-0.0957241", "0.0357241")


def test_one_seed_has_no_interval(spec: VariantsSpec, make_record: MakeRecord) -> None:
    text = markdown(build_table(spec, [make_record("softmax", bits=2.5), make_record("dagpam", bits=2.25)]))
    assert "2.5000 ± - (n=1)" in text
    assert re.search(r"\| +-0\.2500 \|", text)
    assert "95 %" not in text
    assert "train with seed=1,2,3" in text


def test_order_of_records_does_not_matter(spec: VariantsSpec, six: list[TrainingRecord]) -> None:
    one, other = build_table(spec, six), build_table(spec, six[::-1])
    assert markdown(one) == markdown(other)
    assert values(one) == values(other)


def test_times_of_different_machines_are_not_compared(spec: VariantsSpec, make_record: MakeRecord) -> None:
    _, dagpam = build_table(spec, [make_record(), make_record("dagpam", processor="Faster CPU")]).rows
    assert dagpam.costs.time_ratio is None
    assert dagpam.difference is not None


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"sha256": "dead"}, "data sha256"),
        ({"settings": {"data.context": 256}}, "context"),
        ({"unit": "nats per byte"}, "unit of test/bits_per_byte"),
        ({"count": 7}, "count of test/bits_per_byte"),
    ],
)
def test_refuses_to_mix(other: dict[str, Any], what: str, spec: VariantsSpec, make_record: MakeRecord) -> None:
    one, two = make_record("softmax"), make_record("dagpam", **other)
    with pytest.raises(RecordError) as error:
        build_table(spec, [one, two])
    assert str(error.value).startswith(f"{two.name}: {what} is ")
    assert one.name in str(error.value)
    assert "another results_dir" in str(error.value)


def test_refuses_to_count_a_run_twice(spec: VariantsSpec, make_record: MakeRecord) -> None:
    again = make_record(settings={"name": "again"})
    with pytest.raises(RecordError, match=r"^again: same configuration and seed as default_"):
        build_table(spec, [make_record(), again])


def test_a_record_without_the_metric(spec: VariantsSpec, make_record: MakeRecord) -> None:
    absent = dataclasses.replace(spec, metric="test/bleu")
    with pytest.raises(RecordError, match=r"has no metric test/bleu \(it has test/bits_per_byte\)"):
        build_table(absent, [make_record()])


def test_select(spec: VariantsSpec, make_record: MakeRecord) -> None:
    mine = make_record(settings={"experiment": "mine"})
    assert select(spec, [make_record(), mine]) == [make_record()]
    assert select(dataclasses.replace(spec, select={"nowhere.to": "find"}), [mine]) == []
    both = [mine, make_record()]
    assert select(dataclasses.replace(spec, select={"experiment": ["default", "mine"]}), both) == both
    lacking = {"experiment": ["mine"], "nowhere.to": ["find", None]}
    assert select(dataclasses.replace(spec, select=lacking), both) == [mine]


def test_translation_runs(spec: VariantsSpec, make_record: MakeRecord) -> None:
    """A training of a translation model has no context, and its BLEU counts sentences."""
    records = []
    for attention, seed, bleu in (("softmax", 1, 30.0), ("softmax", 2, 31.0), ("dagpam", 1, 30.5), ("dagpam", 2, 31.5)):
        record = make_record(attention, seed, settings={"data": {"name": "ui_strings", "max_tokens": 1024}})
        score = Metric(value=bleu, unit="nrefs:1|tok:13a", sum=bleu * 1000, count=1000)
        test: Any = {"tokens": 15_000, "sha256": "beef", "pairs": 1000}
        data: Any = record.data | {"name": "ui_strings", "unit": "token", "splits": {"test": test}}
        records.append(dataclasses.replace(record, metrics={"test/sacrebleu": score}, data=data))
    bleu_spec = dataclasses.replace(
        spec, metric="test/sacrebleu", lower_is_better=False, decimals=2, evaluation="beam 5"
    )
    table = build_table(bleu_spec, records)
    assert table.rows[1].difference is not None and table.rows[1].difference.mean == pytest.approx(0.5)
    score_line = next(line for line in markdown(table).splitlines() if line.startswith("- Score"))
    assert score_line == (
        "- Score: sacrebleu (nrefs:1|tok:13a) on the test split of ui_strings, 1,000 sentences scored, beam 5; "
        "higher is better."
    )
