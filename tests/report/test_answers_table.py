"""Scores of answers by size of the state: numbers and intervals by hand, and what must not be compared."""

import dataclasses
import math
import random
import statistics
from pathlib import Path
from typing import Any

import pytest
from described import conf_table
from made_up_answers import FULL, NATS, make_answers, shifted

from reattend.records import AnswersRecord, RecordError, read_record, write_record
from reattend.report.answers.measures import MEASURES
from reattend.report.answers.numbers import difference
from reattend.report.answers.specification import AnswersSpec
from reattend.report.answers.table import build_table
from reattend.report.answers.text import markdown, values
from reattend.report.specification import parse_spec
from reattend.report.statistics import Estimate, estimate
from reattend.report.table import select
from reattend.settings import SettingError


@pytest.fixture(scope="module")
def spec() -> AnswersSpec:
    return conf_table("qasper", AnswersSpec)


@pytest.fixture
def four() -> list[AnswersRecord]:
    return [
        make_answers("full", None, FULL, nats=NATS),
        make_answers("tova", 512, shifted(FULL, -0.1, 0.0, -0.05), nats=shifted(NATS, 0.1, 0.1, 0.1)),
        make_answers("window_sinks", 512, shifted(FULL, -0.1, -0.2, -0.15), nats=shifted(NATS, 0.3, 0.28, 0.32)),
        make_answers("window_sinks", 1024, shifted(FULL, -0.1, -0.1, -0.1), nats=shifted(NATS, 0.2, 0.2, 0.2)),
    ]


def test_a_difference_of_means_has_the_t_interval_over_documents(four: list[AnswersRecord]) -> None:
    full, tova, *_ = four
    found = MEASURES["f1"].compared(tova.parts, full.parts)
    wanted = estimate([-10.0, 0.0, -5.0])  # points, a document each
    assert (found.n, found.mean) == (3, pytest.approx(-5))
    assert found.interval == pytest.approx(wanted.interval) and found.deviation == pytest.approx(wanted.deviation)
    assert found.spans_zero and not found.is_clear


def jackknife(statistic: Any, groups: list[Any]) -> tuple[float, float]:
    """Value and standard error, by its definition."""
    left_out = [statistic([g for j, g in enumerate(groups) if j != i]) for i in range(len(groups))]
    n, middle = len(groups), statistics.fmean(left_out)
    return statistic(groups), math.sqrt((n - 1) / n * sum((value - middle) ** 2 for value in left_out))


def test_what_is_no_mean_is_resampled_by_documents_too() -> None:
    draw = random.Random(3)
    sizes = [3, 1, 2, 4, 2]
    one, other = ([[draw.uniform(0.1, 0.9) for _ in range(size)] for size in sizes] for _ in range(2))
    likely, less = ([[draw.uniform(2, 4) for _ in range(size)] for size in sizes] for _ in range(2))
    mine, base = make_answers("tova", 512, one, nats=likely), make_answers("full", None, other, nats=less)

    def nats(groups: list[tuple[list[float], list[float]]]) -> float:
        pairs = [pair for group in groups for pair in zip(*group, strict=True)]
        return statistics.fmean(a - b for a, b in pairs)

    found = MEASURES["answer_perplexity"].compared(mine.parts, base.parts)
    value, error = jackknife(nats, list(zip(likely, less, strict=True)))
    half = 2.776445 * error  # t with 4 degrees of freedom
    assert found.mean == pytest.approx(value)
    assert found.interval == pytest.approx((value - half, value + half), abs=1e-5)

    def geometric(groups: list[tuple[list[float], list[float]]]) -> float:
        pairs = [pair for group in groups for pair in zip(*group, strict=True)]
        return 100 * statistics.fmean(a for a, _ in pairs) - 100 * statistics.fmean(b for _, b in pairs)

    # the three ROUGE are one number here, and so is their geometric mean
    found = MEASURES["rouge_geometric_mean"].compared(mine.parts, base.parts)
    value, error = jackknife(geometric, list(zip(one, other, strict=True)))
    assert found.mean == pytest.approx(value) and found.deviation == pytest.approx(error * math.sqrt(5))


def test_the_geometric_mean_is_the_corpus_form() -> None:
    record = make_answers("full", None, [[0.2], [0.4]])
    for part, (r1, r2, rl) in zip(record.parts, ((0.4, 0.0, 0.2), (0.2, 0.1, 0.2)), strict=True):
        part["rouge1"], part["rouge2"], part["rougeL"] = r1, r2, rl
    assert MEASURES["rouge_geometric_mean"].of(record.parts) == pytest.approx((30 * 5 * 20) ** (1 / 3))


def test_markdown(spec: AnswersSpec, four: list[AnswersRecord]) -> None:
    text = markdown(build_table(spec, four))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    assert rows[0] == ["policy", "512", "1024", "unbounded", "s/question"]
    assert rows[2:5] == [
        ["full", "", "", "30.00", "2.0"],
        ["window_sinks", "15.00", "20.00", "", "2.0"],
        ["tova", "**25.00**", "", "", "2.0"],
    ]
    assert rows[5] == ["above", "512", "1024"]
    assert rows[7:9] == [
        ["window_sinks", "-15.00 [-27.42, -2.58] \\*", "-10.00 [-10.00, -10.00] \\*"],
        ["tova", "-5.00 [-17.42, 7.42]", ""],
    ]
    assert rows[9][0] == "policy" and rows[11] == ["full", "", "", "22.20", "2.0"]  # exp(3.1)
    assert rows[13] == ["tova", "**24.53**", "", "", "2.0"]
    assert rows[17] == ["tova", "10.5 [10.5, 10.5] \\*", ""]
    for said in (
        "- F1, tova against the best other policy of its size: no difference can be told at 512 (10.00 [-14.84, 34.84]",
        "- F1 at size 512, 1/8 of the longest prompt (4,096 tokens): tova 25.00, full 30.00, "
        "no difference that could be told (-5.00 [-17.42, 7.42] points).",
        "tova against the best other policy of its size: better at 512 (-18.1",
        "- Asked: 3 of 281 documents, 6 of 1,005 questions, 6 of 1,764 references of qasper dev (made up), the first",
        "cut to 4,096 tokens (6 were); at most 128 tokens an answer",
        "delete-one jackknife over documents",
        "LLaMA-2-7B-chat lies between 6 and 24",
    ):
        assert said in text, said
    assert markdown(build_table(spec, four[::-1])) == text


def test_csv(spec: AnswersSpec, four: list[AnswersRecord]) -> None:
    found = values(build_table(spec, four))
    tova = next(row for row in found if row["row"] == "tova")
    assert (tova["size"], tova["f1"], tova["f1_difference"], tova["questions"]) == (512, "25", "-5", 6)
    assert (tova["answer_perplexity"], tova["answer_perplexity_ratio"]) == ("24.5325", "1.10517")
    assert found[0]["f1_difference"] == "" and found[0]["prompts_cut"] == 6


def test_without_references_scored_there_is_no_perplexity(spec: AnswersSpec) -> None:
    table = build_table(spec, [make_answers("full", None, FULL), make_answers("tova", 512, FULL)])
    assert "Perplexity of people's answers" not in markdown(table)
    assert values(table)[1]["answer_perplexity"] == "" and values(table)[1]["f1_difference"] == "0"


def test_one_document_has_no_interval(spec: AnswersSpec) -> None:
    text = markdown(build_table(spec, [make_answers("full", None, FULL[:1]), make_answers("tova", 512, [[0.1, 0.4]])]))
    assert "| -5.00 |" in text and "[95 %" not in text
    assert "no difference that could be told (-5.00 points)" in text


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (make_answers("tova", 512, FULL[:2], nats=NATS), "questions is 4 of 2 documents but"),
        (make_answers("tova", 512, FULL), "references scored is 0 but"),
        (
            make_answers(
                "tova", 512, FULL, nats=NATS, lm={"architecture": "x", "parameters": 1, "dtype": "y", "sha256": ""}
            ),
            "model is",
        ),
    ],
    ids=["questions", "references", "model"],
)
def test_refuses_to_mix(other: AnswersRecord, problem: str, spec: AnswersSpec) -> None:
    with pytest.raises(RecordError, match=problem):
        build_table(spec, [make_answers("full", None, FULL, nats=NATS), other])


def test_ways_to_ask_stand_apart(spec: AnswersSpec) -> None:
    chatty = make_answers("full", None, FULL)
    chatty.config["task"]["prompt"] = "zero_scrolls"
    text = markdown(build_table(spec, [make_answers("full", None, FULL), chatty]))
    assert text.count("F1 of **smollm2 task.prompt=") == 2 and "- smollm2 task.prompt=paper: Asked: " in text


def test_a_measure_that_is_none_is_refused(spec: AnswersSpec) -> None:
    values: dict[str, Any] = {field.name: getattr(spec, field.name) for field in dataclasses.fields(spec)}
    with pytest.raises(SettingError, match=r"table\.qasper\.measures=bleu: expected names out of f1, exact_match"):
        parse_spec({**values, "layout": "answers", "measures": ["f1", "bleu"]})


def test_records_are_read_back_and_chosen(spec: AnswersSpec, four: list[AnswersRecord], tmp_path: Path) -> None:
    write_record(four[0], tmp_path / "a.json")
    assert read_record(tmp_path / "a.json") == four[0]
    assert select(spec, four) == four


def test_the_picture(spec: AnswersSpec, four: list[AnswersRecord], tmp_path: Path) -> None:
    laid_out = parse_spec({**{f.name: getattr(spec, f.name) for f in dataclasses.fields(spec)}, "layout": "answers"})
    laid_out.lay_out(four).draw(tmp_path / "a.png")
    laid_out.lay_out(four[::-1]).draw(tmp_path / "b.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_numbers_have_no_minus_before_zero() -> None:
    assert difference(MEASURES["f1"], Estimate(1, -0.001, None, None), 2) == "0.00"


def test_what_the_context_cut_is_told_of_what_reads_so_much(spec: AnswersSpec) -> None:
    truncated, tova = make_answers("truncate", 512, FULL), make_answers("tova", 512, FULL)
    for part in truncated.parts:
        part["prompt"] = 512
    for part in tova.parts[1:]:
        part["cut"] = 0
    assert "cut to 4,096 tokens (1 were); at" in markdown(build_table(spec, [truncated, tova]))
    assert "cut to 4,096 tokens; at most" in markdown(build_table(spec, [truncated]))


def test_another_file_than_the_split_is_told(spec: AnswersSpec) -> None:
    record = make_answers("tova", 512, FULL)
    record.data["mismatch"] = "25 of 52 documents, its counts are those of dev"  # type: ignore[typeddict-unknown-key]
    assert (
        "Asked: 3 documents, 6 questions, 6 references of a file that is not qasper dev as published "
        "(made up: 25 of 52 documents, its counts are those of dev), the first ones"
    ) in markdown(build_table(spec, [record]))


def test_a_model_by_path_is_called_by_its_name(spec: AnswersSpec) -> None:
    records = [make_answers("tova", 512, FULL) for _ in range(2)]
    for record, name in zip(records, ("one", "other"), strict=True):
        record.config["lm"] = {"name": "pretrained", "loader": "pretrained", "path": f"models/{name}"}
        object.__setattr__(record, "lm", {**record.lm, "name": f"{name}-135M"})
    assert [block.label for block in build_table(spec, records).blocks] == ["one-135M", "other-135M"]
