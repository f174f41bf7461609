"""Perplexity by size of the state: the numbers by hand, and what is said of them."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from reattend.records import EvaluationRecord
from reattend.report.grid import comma_separated
from reattend.report.sizes.figure import _ours, styles
from reattend.report.sizes.numbers import listed, percent
from reattend.report.sizes.specification import SizesSpec
from reattend.report.sizes.table import Block, build_table
from reattend.report.sizes.text import markdown, values
from reattend.report.statistics import Estimate, estimate

MakeEvaluation = Callable[..., EvaluationRecord]
LAYER: dict[str, Any] = {"scope": "layer", "first": 0}


@pytest.fixture
def four(make_evaluation: MakeEvaluation) -> list[EvaluationRecord]:
    """Three chunks: the topline, TOVA 0.1, 0.2 and 0.3 nats above it, a window 5 nats above, and a larger window."""
    return [
        make_evaluation("full", None, [3.0, 3.1, 3.2]),
        make_evaluation("tova", 64, [3.1, 3.3, 3.5], **LAYER),
        make_evaluation("window", 64, [8.0, 8.1, 8.2], speed=200.0),
        make_evaluation("window", 512, [3.0, 3.2, 3.4], speed=300.0),
    ]


def only(spec: SizesSpec, records: list[EvaluationRecord]) -> Block:
    (block,) = build_table(spec, records).blocks
    return block


def test_numbers_by_hand(sizes_spec: SizesSpec, four: list[EvaluationRecord]) -> None:
    block = only(sizes_spec, four)
    full, window, tova = block.rows
    assert [row.label for row in block.rows] == ["full", "window", "tova"]  # the order of the table's file
    assert (block.sizes, block.context) == ([64, 512], 4096)
    assert full.cells[None].perplexity == pytest.approx(math.exp(3.1))
    assert full.cells[None].above is None
    cell = tova.cells[64]
    assert cell.perplexity == pytest.approx(math.exp(3.3))
    assert cell.word_perplexity == pytest.approx(math.exp(3.3 * 4095 / 3071))
    assert cell.bits_per_byte == pytest.approx(3.3 / 4 / math.log(2))
    assert cell.above is not None
    assert cell.above.mean == pytest.approx(0.2)
    half = 4.3027 * 0.1 / math.sqrt(3)  # t with 2 degrees of freedom, sd 0.1
    assert cell.above.interval == pytest.approx((0.2 - half, 0.2 + half), abs=1e-5)
    assert window.tokens_per_second == pytest.approx(250)
    assert list(window.cells) == [64, 512]


def test_a_short_last_chunk_counts_by_its_tokens(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    lengths = [4095, 4095, 95]
    base, tova = [3.0, 3.1, 5.0], [3.1, 3.2, 9.0]
    records = [
        make_evaluation("full", None, base, tokens=lengths),
        make_evaluation("tova", 64, tova, tokens=lengths, **LAYER),
    ]
    full, row = only(sizes_spec, records).rows
    above = row.cells[64].above
    assert above is not None
    assert above.mean == pytest.approx(math.log(row.cells[64].perplexity / full.cells[None].perplexity))


def test_markdown(sizes_spec: SizesSpec, four: list[EvaluationRecord]) -> None:
    text = markdown(build_table(sizes_spec, four))
    lines = text.splitlines()
    assert lines[0] == f"**{sizes_spec.title}**"
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows[0] == ["policy", "64", "512", "unbounded", "tokens/s"]
    assert rows[2:5] == [
        ["full", "", "", "22.20", "400"],
        ["window", "3,294", "**24.53**", "", "250"],
        ["tova", "**27.11**", "", "", "400"],
    ]
    assert rows[5] == ["% above", "64", "512"]
    assert rows[7:9] == [["window", "× 148 [148, 148]", "10.5 [-13.8, 41.7]"], ["tova", "22.1 [-4.7, 56.6]", ""]]
    for said in (
        "- tova has the lowest perplexity of the bounded policies at 1 of 1 size (64); "
        "its interval against the next best leaves out zero at each of them.",
        "At size 64, 1/64 of the 4,096 tokens of a chunk, tova is 22.1 [-4.7, 56.6] % above full: 27.11 against 22.20",
        "over 12,285 tokens in 3 chunks of up to 4,096 of pg19 (Book 1; Book 2); the first token",
        "- Model: smollm2, LlamaForCausalLM, 134,515,008 parameters, float32, smollm2.gguf.",
        "- Keys and values kept: 1.47 MB at 64, 11.8 MB at 512, 94.4 MB unbounded.",
        "Imaginary CPU, 2 CPU threads; commit 0123456789",
        "95 % t-interval",
    ):
        assert said in text


def test_the_papers_table_stands_below(sizes_spec: SizesSpec, four: list[EvaluationRecord]) -> None:
    _, _, below = markdown(build_table(sizes_spec, four)).partition("Published for **LLaMA-2-7B**")
    rows = {line.split("|")[1].strip(): line for line in below.splitlines() if line.startswith("|")}
    assert "| **9.53** (33.1) |     8.32 (16.2) | **7.71** (7.68) |" in rows["tova"]
    assert "4,812 (× 672)" in rows["window"]
    assert "7.16" in rows["full"]
    assert rows["h2o scope=layer"].split("|")[2:] == rows["window_sinks first=1"].split("|")[2:]
    assert "arXiv 2401.06104v2, Table 3" in below and "Another model and another text" in below
    assert "H2O-layer equals its row Window+1" in below


def test_csv(sizes_spec: SizesSpec, four: list[EvaluationRecord]) -> None:
    header, *lines = comma_separated(values(build_table(sizes_spec, four))).splitlines()
    found = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    places = [("full", ""), ("window", "64"), ("window", "512"), ("tova", "64")]
    assert [(row["row"], row["size"]) for row in found] == places
    tova = found[-1]
    assert (tova["perplexity_per_token"], tova["ratio"]) == ("27.1126", "1.2214")
    assert (tova["ratio_low"], tova["ratio_high"]) == ("0.952739", "1.56583")
    assert (tova["chunks"], tova["tokens"], tova["kv_bytes"]) == ("3", "12285", "1474560")
    assert found[0]["ratio"] == ""


def test_order_of_records_does_not_matter(sizes_spec: SizesSpec, four: list[EvaluationRecord]) -> None:
    one, other = build_table(sizes_spec, four), build_table(sizes_spec, four[::-1])
    assert markdown(one) == markdown(other)
    assert values(one) == values(other)


def test_one_chunk_has_no_interval(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    records = [make_evaluation("full", nats=[3.0]), make_evaluation("tova", 512, nats=[3.1], **LAYER)]
    text, _, _ = markdown(build_table(sizes_spec, records)).partition("Published")
    assert "| 10.5 |" in text
    assert "in 1 chunk of up to 4,096" in text
    assert "%" in text and "interval" not in text
    assert "At size 512, 1/8 of the 4,096 tokens of a chunk, tova is 10.5 % above full: 22.20 against 20.09." in text


def test_without_the_topline(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    text, _, _ = markdown(build_table(sizes_spec, [make_evaluation("tova", 64, **LAYER)])).partition("Published")
    assert "% above" not in text
    assert "run it with policy=full" in text


def test_claims_are_read_off_the_records(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    noise = [0.0, 0.01, -0.01]
    tova = {64: 3.2, 128: 3.2, 256: 3.2, 512: 3.2}
    rival = {64: 3.4, 128: 3.205, 256: 3.1, 512: 3.199}  # clearly behind, barely behind, clearly ahead, barely ahead
    records = [make_evaluation("full", None, [3.0] * 3)]
    records += [make_evaluation("tova", size, [value] * 3, **LAYER) for size, value in tova.items()]
    records += [make_evaluation("tova", 64, [3.0] * 3, **{**LAYER, "first": 4})]  # its own variant is no rival
    records += [make_evaluation("window", size, [value + n for n in noise]) for size, value in rival.items()]
    text = markdown(build_table(sizes_spec, records))
    assert (
        "- tova first=0, other variants of tova aside, has the lowest perplexity of the bounded policies at 2 of 4 "
        "sizes (64 and 128); its interval against the next best leaves out zero at 64.\n"
        "- Lower than tova first=0: window at 256 (tova first=0 is 10.5 [7.8, 13.3] % above it); "
        "window at 512 (tova first=0 is 0.10 [-2.36, 2.62] % above it, spans zero).\n"
    ) in text


def test_a_policy_that_is_best_nowhere(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    records = [make_evaluation("tova", 64, [3.2, 3.3], **LAYER), make_evaluation("window", 64, [3.0, 3.2])]
    text = markdown(build_table(sizes_spec, records))
    assert "- tova has the lowest perplexity of the bounded policies at 0 of 1 size.\n" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (estimate([math.log(1.0014)]), "0.14"),
        (Estimate(2, math.log(1.052), 0.0, (math.log(1.041), math.log(1.063))), "5.20 [4.10, 6.30]"),
        (Estimate(2, math.log(2.5), 0.0, (math.log(0.995), math.log(20))), "150 [-1, 1,900]"),
        (estimate([-1e-9]), "0.00"),
        (estimate([math.log(672.1)]), "× 672"),
    ],
)
def test_percents_have_three_digits(value: Estimate, text: str) -> None:
    assert percent(value) == text


def test_lists() -> None:
    assert (listed([]), listed([1]), listed([1, 2, 3])) == ("none", "1", "1, 2 and 3")


def test_a_policy_has_its_colour_in_every_picture(sizes_spec: SizesSpec, four: list[EvaluationRecord]) -> None:
    whole = styles([_ours(only(sizes_spec, four))], sizes_spec.order)
    part = styles([_ours(only(sizes_spec, four[1:2]))], sizes_spec.order)
    assert part["tova"] == whole["tova"]
    assert whole["tova"]["color"] != whole["window"]["color"]
