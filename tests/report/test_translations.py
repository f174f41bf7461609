"""BLEU by variant: the numbers by hand and by sacrebleu, what is said of them, and what must not be compared."""

import csv
import dataclasses
import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reattend.metrics.bootstrap import paired_bootstrap
from reattend.metrics.ngrams import corpus_bleu, to_lines
from reattend.records import SCHEMA, Metric, RecordError, TranslationRecord, config_hash, run_name
from reattend.report import parse_spec, read_specs, write_report
from reattend.report.table import select
from reattend.report.translations.numbers import Block, build_table
from reattend.report.translations.specification import TranslationsSpec
from reattend.report.translations.text import markdown, values
from reattend.settings import SettingError

CONF = Path(__file__).parents[2] / "conf"
KINDS = {"sacrebleu": "case:mixed|tok:13a", "tokenised_bleu": "case:lc|tok:none"}
KINDS |= {"compound_split_bleu": "case:mixed|tok:none", "chrf": "nc:6|nw:0"}
Make = Callable[..., TranslationRecord]


def statistics(quality: float, seed: int, sentences: int = 60) -> np.ndarray:
    """[N, 6] of a made-up system that gets about so many words right."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(6, 20, sentences)
    correct = [
        np.maximum(0, (lengths - n) * quality**n + draw.normal(0, 1, sentences)).astype(int) for n in range(1, 5)
    ]
    capped = [np.minimum(c, lengths - n) for n, c in enumerate(correct)]
    return np.stack([*capped, lengths, lengths + draw.integers(-2, 3, sentences)], axis=1)


def make(
    attention: str = "softmax",
    seed: int = 1,
    quality: float = 0.7,
    *,
    test: str = "test.de and test.en",
    settings: dict[str, Any] | None = None,
    trained: dict[str, Any] | None = None,
    speed: float = 50.0,
    extra: int = 0,
    **data: Any,
) -> TranslationRecord:
    training: dict[str, Any] = {
        "experiment": "tatoeba_de_en",
        "name": None,
        "seed": seed,
        "attention": {"name": attention} | ({"lambda_init": 1.0} if attention == "dagpam" else {}),
        "model": {"name": "translation_medium", "width": 256},
        "data": {"name": "tab_separated", "direction": "de-en"},
        "trainer": {"max_steps": 3000},
        **(trained or {}),
    }
    config: dict[str, Any] = {
        "experiment": "translation",
        "name": None,
        "seed": 1,
        "results_dir": "results",
        "data": {"name": "lines"},
        "checkpoint": f"{attention}{seed}/best.ckpt",
        **{"beam": 5, "length_penalty": 1.0, "max_length_a": 1.2, "max_length_b": 10, "unknown": "keep"},
        **(settings or {}),
    }
    rows = statistics(quality, seed)
    bleu = corpus_bleu(rows)
    scores = {"sacrebleu": bleu, "tokenised_bleu": bleu + 2, "compound_split_bleu": bleu + 3, "chrf": bleu + 20}
    return TranslationRecord(
        schema=SCHEMA,
        name=f"{run_name(config)}_{test[:4]}_{attention}{seed}",
        config=config,
        config_hash=config_hash(config),
        seed=1,
        git={"commit": "0123456789abcdef", "dirty": False},
        versions={"python": "3.11.7"},
        hardware={
            "machine": "x86_64",
            "processor": "Imaginary CPU",
            "cores": 2,
            "threads": 2,
            "memory_bytes": 16_000_000_000,
            "accelerator": None,
        },
        metrics={key: Metric(value, "BLEU", value * len(rows), len(rows)) for key, value in scores.items()},
        memory={"peak_bytes": 1, "what": "resident set"},
        model={
            "name": "x",
            "source": "best.ckpt",
            "sha256": "feed",
            "attention": attention,
            "parameters": 9_000_000 + extra,
            "attention_extra": extra,
            "seed": seed,
            "pipeline": "beef",
            "config": training,
        },
        data={
            "name": "lines",
            "direction": "de-en",
            "unit": "sentence",
            "source": test,
            "licence": "CC BY 2.0",
            "source_sha256": "5" * 64,
            "reference_sha256": "6" * 64,
            "sentences": len(rows),
            "empty": 0,
            "too_long": 0,
            "dropped": 0,
            **data,
        },
        signatures=dict(KINDS),
        sentences=to_lines(rows),
        timing={
            "started": "2026-01-01T00:00:00Z",
            "finished": "2026-01-01T00:02:00Z",
            "wall_seconds": 3.0,
            "translation_seconds": len(rows) / speed,
            "sentences_per_second": speed,
        },
    )


@pytest.fixture
def spec() -> TranslationsSpec:
    (found,) = [spec for spec in read_specs(CONF / "table") if spec.name == "translation"]
    assert isinstance(found, TranslationsSpec)
    return found


@pytest.fixture
def six() -> list[TranslationRecord]:
    """Three seeds of two mechanisms."""
    better = {1: 0.73, 2: 0.72, 3: 0.70}
    return [
        *(make("softmax", seed, 0.7, speed=50.0) for seed in (1, 2, 3)),
        *(make("dagpam", seed, quality, speed=40.0 - seed, extra=90_000) for seed, quality in better.items()),
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
    assert mine.extra_percent == pytest.approx(1.0)
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
    records = [make("softmax", seed) for seed in qualities]
    records += [make("dagpam", seed, quality) for seed, quality in qualities.items()]
    assert ", spans zero" in markdown(build_table(spec, records))


def test_one_seed(spec: TranslationsSpec) -> None:
    text = markdown(build_table(spec, [make("softmax"), make("dagpam", quality=0.75)]))
    assert "One seed does not show what chance does" in text and " ± - (n=1)" in text


def test_a_baseline_of_another_training_is_no_baseline(spec: TranslationsSpec) -> None:
    longer = {"trainer": {"max_steps": 6000}}
    block = only(spec, [make("softmax"), make("dagpam", trained=longer)])
    assert [row.difference for row in block.rows] == [None, None]
    assert [row.label for row in block.rows] == ["softmax trainer.max_steps=3000", "dagpam trainer.max_steps=6000"]


def test_times_of_two_machines_are_not_compared(spec: TranslationsSpec) -> None:
    other = make("dagpam")
    other = dataclasses.replace(other, hardware=other.hardware | {"processor": "Another"})  # type: ignore[arg-type]
    assert only(spec, [make("softmax"), other]).rows[1].speed_ratio is None


def test_a_grid_for_each_test_set(spec: TranslationsSpec, six: list[TranslationRecord], tmp_path: Path) -> None:
    other = "flickr.de and flickr.en"
    records = [*six, *(make(name, 1, test=other, source_sha256="7" * 64) for name in ("softmax", "dagpam"))]
    table = build_table(spec, records)
    assert [block.label for block in table.blocks] == [f"lines de-en ({other})", "lines de-en (test.de and test.en)"]
    rows = values(table)
    assert [(row["test_set"], row["row"]) for row in rows[:2]] == [
        (table.blocks[0].label, "softmax"),
        (table.blocks[0].label, "dagpam"),
    ]
    assert len(rows) == 4 and rows[3]["pairs"] == 3 and len(str(rows[3]["p_by_seed"]).split()) == 3
    laid = parse_spec({"layout": "translations", **dataclasses.asdict(spec) | {"published": []}}).lay_out(records)
    laid.draw(tmp_path / "a.png")
    laid.draw(tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert len(list(csv.DictReader(io.StringIO(laid.comma_separated)))) == 4


def test_a_picture_without_a_baseline(spec: TranslationsSpec, tmp_path: Path) -> None:
    parse_spec({"layout": "translations", **dataclasses.asdict(spec) | {"published": []}}).lay_out(
        [make("dagpam")]
    ).draw(tmp_path / "a.png")
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
        build_table(spec, [make("softmax"), make("dagpam", **changed)])


def test_signatures_must_not_be_mixed(spec: TranslationsSpec) -> None:
    other = make("dagpam")
    other = dataclasses.replace(other, signatures=KINDS | {"sacrebleu": "case:lc|tok:13a"})
    with pytest.raises(RecordError, match="signature of sacrebleu is case:lc"):
        build_table(spec, [make("softmax"), other])


def test_the_same_seed_twice(spec: TranslationsSpec) -> None:
    with pytest.raises(RecordError, match="which would count twice"):
        build_table(spec, [make("softmax"), dataclasses.replace(make("softmax"), name="again")])


@pytest.mark.parametrize(
    ("sentences", "said"), [(["1 2 3"], "six|6 whole numbers"), (["1 1 1 1 1 1"], "statistics of 1 ")]
)
def test_damaged_statistics(spec: TranslationsSpec, sentences: list[str], said: str) -> None:
    damaged = dataclasses.replace(make("dagpam"), sentences=sentences)
    with pytest.raises(RecordError, match=said):
        build_table(spec, [make("softmax"), damaged])


def test_records_can_be_chosen_by_their_training(spec: TranslationsSpec) -> None:
    records = [make("softmax"), make("softmax", trained={"experiment": "ui_strings"})]
    chosen = dataclasses.replace(spec, select={"trained.experiment": "ui_strings"})
    assert select(chosen, records) == records[1:] and select(spec, records) == records


def test_a_mistake_in_the_description(spec: TranslationsSpec) -> None:
    plain = {"layout": "translations", "name": "t", "title": "T", "select": {}, "rows": "attention.name"}
    with pytest.raises(SettingError, match=r"table\.baseline=\?\?\?"):
        parse_spec(plain)
    with pytest.raises(RecordError, match="no key attention"):
        build_table(dataclasses.replace(spec, rows="attention.flavour"), [make()])


def test_the_files(spec: TranslationsSpec, six: list[TranslationRecord], tmp_path: Path) -> None:
    from reattend.records import write_record

    for record in six:
        write_record(record, tmp_path / "runs" / f"{record.name}.json")
    said: list[str] = []
    write_report(tmp_path, read_specs(CONF / "table"), say=said.append)
    assert len(said) == 1 and "| dagpam" in said[0]
    assert sorted(path.name for path in tmp_path.rglob("translation.*")) == [
        "translation.csv",
        "translation.md",
        "translation.png",
    ]
