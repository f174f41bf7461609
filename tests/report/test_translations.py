"""BLEU by variant: the numbers by hand and by sacrebleu, what is said of them, and what must not be compared."""

import csv
import dataclasses
import io
import math
from pathlib import Path
from typing import Any

import pytest
from described import conf_table, tables
from made_up_test_sets import KINDS, make_translation, statistics

from reattend.metrics.bootstrap import paired_bootstrap
from reattend.records import RecordError, TranslationRecord, write_record
from reattend.report import parse_spec, write_report
from reattend.report.table import select
from reattend.report.translations.numbers import Block, build_table
from reattend.report.translations.specification import TranslationsSpec
from reattend.report.translations.text import markdown, values
from reattend.report.variants.cells import extra_percent
from reattend.settings import SettingError


@pytest.fixture
def spec() -> TranslationsSpec:
    return conf_table("translation", TranslationsSpec)


@pytest.fixture
def six() -> list[TranslationRecord]:
    """Three seeds of two mechanisms."""
    better = {1: 0.73, 2: 0.72, 3: 0.70}
    return [
        *(make_translation("softmax", seed, 0.7, speed=50.0) for seed in (1, 2, 3)),
        *(
            make_translation("dagpam", seed, quality, speed=40.0 - seed, extra=90_000)
            for seed, quality in better.items()
        ),
    ]


def only(spec: TranslationsSpec, records: list[TranslationRecord]) -> Block:
    (block,) = build_table(spec, records).blocks
    return block


def test_numbers_by_hand(spec: TranslationsSpec, six: list[TranslationRecord]) -> None:
    block = only(spec, six)
    base, mine = block.rows
    assert (block.label, base.label, mine.label) == ("lines de-en", "softmax", "dagpam")
    scores = {(r.model["attention"], r.model["seed"]): r.metrics["sacrebleu"].value for r in six}
    differences = [scores["dagpam", seed] - scores["softmax", seed] for seed in (1, 2, 3)]
    assert mine.difference is not None and mine.difference.interval is not None
    mean = sum(differences) / 3
    half = 4.3027 * math.sqrt(sum((d - mean) ** 2 for d in differences) / 2 / 3)  # t with 2 degrees of freedom
    assert mine.difference.mean == pytest.approx(mean)
    assert mine.difference.interval == pytest.approx((mean - half, mean + half), abs=1e-4)
    assert base.difference is None and base.by_seed == {}
    assert mine.scores["tokenised_bleu"].mean == pytest.approx(sum(scores["dagpam", s] for s in (1, 2, 3)) / 3 + 2)
    assert mine.speed_ratio == pytest.approx(38 / 50)
    assert extra_percent(*mine.parameters) == pytest.approx(1.0)
    assert list(mine.by_seed) == [1, 2, 3]
    for seed, difference in zip((1, 2, 3), differences, strict=True):
        assert mine.by_seed[seed].value == pytest.approx(difference)
        quality = {1: 0.73, 2: 0.72, 3: 0.70}[seed]
        alone = paired_bootstrap(statistics(quality, seed), statistics(0.7, seed))
        assert mine.by_seed[seed].p == alone.p
    assert mine.by_seed[3].p == 1  # the very same translations


def test_what_is_said(spec: TranslationsSpec, six: list[TranslationRecord]) -> None:
    text = markdown(build_table(spec, six))
    heading = next(line for line in text.splitlines() if line.startswith("| attention"))
    columns = [cell.strip() for cell in heading.strip("|").split("|")]
    kinds = ["sacreBLEU", "tokenised BLEU", "compound-split BLEU", "chrF"]
    assert columns == ["attention", *kinds, "Δ to softmax", "p by seed", "parameters", "sentences/s", "published Δ"]
    row = next(line for line in text.splitlines() if line.startswith("| dagpam"))
    assert "(n=3)" in row and "9,090,000 (+1.00 %)" in row and "× 0.76" in row and "+0.42" in row
    for said in (
        "60 sentences of test.de and test.en (CC BY 2.0), sha256 555555555555 and 666666666666",
        *(f"(`{signature}`)" for signature in KINDS.values()),
        "Beam 5, length penalty 1, at most 1.2 S + 10 subwords",
        "Trained on tab_separated (translation_medium, up to 3,000 steps; best.ckpt); seeds 1, 2, 3.",
        "Imaginary CPU, 2 CPU threads; commit 0123456789",
        "numbers of two columns are never compared",
        "paired bootstrap over the sentences (1,000 draws, seed 12345",
        "Published Δ of dagpam: +0.42 BLEU on IWSLT14",
    ):
        assert said in text, said


def test_an_interval_that_spans_zero_says_so(spec: TranslationsSpec) -> None:
    qualities = {1: 0.73, 2: 0.67, 3: 0.70}
    records = [make_translation("softmax", seed) for seed in qualities]
    records += [make_translation("dagpam", seed, quality) for seed, quality in qualities.items()]
    assert ", spans zero" in markdown(build_table(spec, records))


def test_one_seed(spec: TranslationsSpec) -> None:
    text = markdown(build_table(spec, [make_translation("softmax"), make_translation("dagpam", quality=0.75)]))
    assert "One seed does not show what chance does" in text and " ± - (n=1)" in text


def test_a_baseline_of_another_training_is_no_baseline(spec: TranslationsSpec) -> None:
    longer = {"trainer": {"max_steps": 6000}}
    block = only(spec, [make_translation("softmax"), make_translation("dagpam", trained=longer)])
    assert [row.difference for row in block.rows] == [None, None]
    assert [row.label for row in block.rows] == ["softmax trainer.max_steps=3000", "dagpam trainer.max_steps=6000"]


def test_times_of_two_machines_are_not_compared(spec: TranslationsSpec) -> None:
    other = make_translation("dagpam")
    other = dataclasses.replace(other, hardware=other.hardware | {"processor": "Another"})  # type: ignore[arg-type]
    assert only(spec, [make_translation("softmax"), other]).rows[1].speed_ratio is None


def test_a_grid_for_each_test_set(spec: TranslationsSpec, six: list[TranslationRecord], tmp_path: Path) -> None:
    other = "flickr.de and flickr.en"
    records = [*six, *(make_translation(name, 1, test=other, source_sha256="7" * 64) for name in ("softmax", "dagpam"))]
    table = build_table(spec, records)
    assert [block.label for block in table.blocks] == [f"lines de-en ({other})", "lines de-en (test.de and test.en)"]
    rows = values(table)
    assert [(row["test_set"], row["row"]) for row in rows[:2]] == [
        (table.blocks[0].label, "softmax"),
        (table.blocks[0].label, "dagpam"),
    ]
    assert len(rows) == 4 and rows[3]["pairs"] == 3 and len(str(rows[3]["p_by_seed"]).split()) == 3
    laid = spec.lay_out(records)
    laid.draw(tmp_path / "a.png")
    laid.draw(tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert len(list(csv.DictReader(io.StringIO(laid.comma_separated)))) == 4


def test_a_picture_without_a_baseline(spec: TranslationsSpec, tmp_path: Path) -> None:
    spec.lay_out([make_translation("dagpam")]).draw(tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"source_sha256": "9" * 64}, "sha256 of the sentences is 9999"),
        ({"reference_sha256": "9" * 64}, "sha256 of the references is 9999"),
        ({"settings": {"beam": 4}}, "beam is 4 but"),
        ({"settings": {"length_penalty": 0.6}}, "length_penalty is 0.6 but"),
        ({"settings": {"unknown": "forbid"}}, "unknown is forbid but"),
    ],
)
def test_what_must_not_be_mixed(spec: TranslationsSpec, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(RecordError, match=said):
        build_table(spec, [make_translation("softmax"), make_translation("dagpam", **changed)])


def test_signatures_must_not_be_mixed(spec: TranslationsSpec) -> None:
    other = make_translation("dagpam")
    other = dataclasses.replace(other, signatures=KINDS | {"sacrebleu": "case:lc|tok:13a"})
    with pytest.raises(RecordError, match="signature of sacrebleu is case:lc"):
        build_table(spec, [make_translation("softmax"), other])


def test_the_same_seed_twice(spec: TranslationsSpec) -> None:
    with pytest.raises(RecordError, match="which would count twice"):
        build_table(spec, [make_translation("softmax"), dataclasses.replace(make_translation("softmax"), name="again")])


@pytest.mark.parametrize(
    ("sentences", "said"), [(["1 2 3"], "six|6 whole numbers"), (["1 1 1 1 1 1"], "statistics of 1 ")]
)
def test_damaged_statistics(spec: TranslationsSpec, sentences: list[str], said: str) -> None:
    damaged = dataclasses.replace(make_translation("dagpam"), sentences=sentences)
    with pytest.raises(RecordError, match=said):
        build_table(spec, [make_translation("softmax"), damaged])


def test_records_can_be_chosen_by_their_training(spec: TranslationsSpec) -> None:
    records = [make_translation("softmax"), make_translation("softmax", trained={"experiment": "ui_strings"})]
    chosen = dataclasses.replace(spec, select={"trained.experiment": "ui_strings"})
    assert select(chosen, records) == records[1:] and select(spec, records) == records


def test_a_mistake_in_the_description(spec: TranslationsSpec) -> None:
    plain = {"layout": "translations", "name": "t", "title": "T", "select": {}, "rows": "attention.name"}
    with pytest.raises(SettingError, match=r"table\.baseline=\?\?\?"):
        parse_spec(plain)
    with pytest.raises(RecordError, match="no key attention"):
        build_table(dataclasses.replace(spec, rows="attention.flavour"), [make_translation()])


def test_the_files(spec: TranslationsSpec, six: list[TranslationRecord], tmp_path: Path) -> None:
    for record in six:
        write_record(record, tmp_path / "runs" / f"{record.name}.json")
    said: list[str] = []
    write_report(tmp_path, [*tables().values()], say=said.append)
    assert len(said) == 1 and "| dagpam" in said[0]
    names = [f"translation.{kind}" for kind in ("csv", "md", "png")]
    assert sorted(path.name for path in tmp_path.rglob("translation.*")) == names
