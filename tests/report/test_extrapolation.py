"""Perplexity along long streams: the numbers by hand, what rows are called, and the picture."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from described import tables
from matplotlib.figure import Figure

from reattend.records import EvaluationRecord, RecordError
from reattend.report import parse_spec
from reattend.report.extrapolation.figure import draw, styles
from reattend.report.extrapolation.numbers import Block, Row, build_table
from reattend.report.extrapolation.specification import ExtrapolationSpec
from reattend.report.extrapolation.text import markdown, values
from reattend.settings import SettingError

MakeEvaluation = Callable[..., EvaluationRecord]
EVERY = 1000


def spec(**changes: Any) -> ExtrapolationSpec:
    """The table's own file with smaller marks."""
    found = tables()["extrapolation"]
    given = {"layout": "extrapolation", **vars(found), "marks": [1000, 4000], "contexts": {"smollm2": 3000}} | changes
    made = parse_spec(given)
    assert isinstance(made, ExtrapolationSpec)
    return made


@pytest.fixture
def stream(make_evaluation: MakeEvaluation) -> Any:
    """`stream("tova", "slots", [[3.0, 3.1, ...], ...])`: nats per token of each thousand of each text."""

    def make(policy: str, positions: str, texts: list[list[float]], *, rest: int = 0, size: int = 512) -> Any:
        sums = [[EVERY * nats for nats in text] + [rest * text[-1]] * (rest > 0) for text in texts]
        lengths = [EVERY * len(text) + rest for text in texts]
        means = [math.fsum(of) / length for of, length in zip(sums, lengths, strict=True)]
        settings = {"experiment": "tova_extrapolation", "positions": {"name": positions}}
        record = make_evaluation(policy, size, means, tokens=lengths, settings=settings)
        for part, of in zip(record.parts, sums, strict=True):
            course = {"every": EVERY, "nats": of, "seconds": [float(i + 1) for i in range(len(of))]}
            part["course"] = course  # type: ignore[typeddict-unknown-key]
        return record

    return make


def only(records: list[EvaluationRecord], **changes: Any) -> Block:
    (block,) = build_table(spec(**changes), records).blocks
    return block


def test_perplexity_so_far_by_hand(stream: Any) -> None:
    (row,) = only([stream("tova", "slots", [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])]).rows
    assert row.points == [
        (1000, pytest.approx(math.exp(2))),
        (2000, pytest.approx(math.exp(2))),
        (3000, pytest.approx(math.exp(2))),
    ]
    (row,) = only([stream("tova", "slots", [[1.0, 2.0, 6.0]], rest=500)]).rows
    wanted = [1.0, 1.5, 3.0, (1 + 2 + 6 + 3) / 3.5]
    assert [end for end, _ in row.points] == [1000, 2000, 3000, 3500]
    assert [math.log(perplexity) for _, perplexity in row.points] == pytest.approx(wanted)
    assert row.so_far(2999) == pytest.approx(math.exp(1.5))
    assert row.so_far(999) is None
    assert row.so_far(4000) is None


def test_texts_of_unequal_length_go_as_far_as_the_shortest(stream: Any) -> None:
    record = stream("tova", "slots", [[1.0, 1.0, 1.0, 9.0], [3.0, 3.0, 3.0]], rest=400)
    (row,) = only([record]).rows
    assert row.points == [(end, pytest.approx(math.exp(2))) for end in (1000, 2000, 3000)]


def test_the_last_tenth_leaves_out_the_last_sum(stream: Any) -> None:
    (row,) = only([stream("tova", "slots", [[1.0] * 20] * 2, rest=10)]).rows
    assert row.pace(last=False) == pytest.approx(2000 / (1 + 2))
    assert row.pace(last=True) == pytest.approx(2000 / (19 + 20))


def test_rows_are_named_by_policy_and_positions_in_the_tables_order(stream: Any) -> None:
    records = [
        stream(policy, positions, [[3.0, 3.1]])
        for policy in ("tova", "window_sinks")
        for positions in ("slots", "original", "compressed")
    ]
    block = only(records)
    named = [f"{policy} {at}" for policy in ("window_sinks", "tova") for at in ("compressed", "original", "slots")]
    assert sorted(row.label for row in block.rows) == sorted(named)
    assert [row.policy for row in block.rows] == ["window_sinks"] * 3 + ["tova"] * 3
    assert block.baseline is not None and block.baseline.label == "window_sinks slots"
    sized = only([*records, stream("tova", "slots", [[3.0, 3.1]], size=64)])
    assert "tova slots size=64" in [row.label for row in sized.rows]


def test_above_the_baseline_is_paired_by_text(stream: Any) -> None:
    base = stream("window_sinks", "slots", [[3.0, 3.0], [2.0, 2.0], [4.0, 4.0]])
    block = only([base, stream("tova", "slots", [[3.1, 3.1], [2.2, 2.2], [4.3, 4.3]])])
    (above,) = [block.above(row) for row in block.rows if row.policy == "tova"]
    assert above is not None
    assert above.mean == pytest.approx(0.2)
    half = 4.3027 * 0.1 / math.sqrt(3)  # t with 2 degrees of freedom, sd 0.1
    assert above.interval == pytest.approx((0.2 - half, 0.2 + half), abs=1e-5)
    assert [block.above(row) for row in block.rows if row.policy != "tova"] == [None]


def test_markdown_and_values(stream: Any) -> None:
    records = [stream("window_sinks", "slots", [[1.0, 2.0, 3.0, 4.0, 5.0]]), stream("tova", "original", [[1.0] * 5])]
    table = build_table(spec(), records)
    lines = markdown(table).splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert rows[0] == [
        "policy, positions",
        "1,000",
        "4,000",
        "5,000",
        "% above window_sinks slots",
        "tokens/s",
        "at the end",
    ]
    assert rows[2] == ["window_sinks slots", "2.72", "12.18", "20.09", "-", "1,000", "250"]
    assert rows[3] == ["tova original", "2.72", "2.72", "2.72", "-86.5", "1,000", "250"]
    assert any("smollm2 was made for 3,000 positions" in line for line in lines)
    assert values(table)[1] == {
        "model": "smollm2",
        "row": "window_sinks slots",
        "policy": "window_sinks",
        "positions": "slots",
        "tokens": 2000,
        "perplexity_so_far": "4.48169",
        "nats_per_token_so_far": "1.5",
    }


def test_a_missing_baseline_is_said(stream: Any) -> None:
    text = markdown(build_table(spec(), [stream("tova", "slots", [[1.0, 2.0]])]))
    assert "no policy.name=window_sinks positions.name=slots, which the others are to be compared with" in text


def test_chunks_without_a_course_are_refused(make_evaluation: MakeEvaluation) -> None:
    with pytest.raises(RecordError, match=r"too short for its course to be kept\. Evaluate longer streams"):
        markdown(build_table(spec(), [make_evaluation("tova", 64, settings={"positions": {"name": "slots"}})]))


@pytest.mark.parametrize("marks", [[], [4000, 1000], [0, 1000]])
def test_marks_that_are_none_are_refused(marks: list[int]) -> None:
    with pytest.raises(SettingError, match=r"table\.extrapolation\.marks"):
        spec(marks=marks)


def test_the_picture_has_a_line_for_each_row_and_the_context(stream: Any, tmp_path: Path, monkeypatch: Any) -> None:
    figures: list[Figure] = []
    plain = Figure.subplots

    def subplots(self: Figure, *shape: Any, **how: Any) -> Any:
        figures.append(self)
        return plain(self, *shape, **how)

    monkeypatch.setattr(Figure, "subplots", subplots)
    records = [stream("tova", at, [[3.0 + i / 100 for i in range(12)]]) for at in ("slots", "original")]
    records.append(stream("window", "original", [[3.0] * 5 + [9.0] * 7]))
    draw(build_table(spec(), records), tmp_path / "x.png")
    (axes,) = figures[0].axes
    assert len(axes.lines) == 4
    assert {line.get_label() for line in axes.lines} >= {"tova slots", "tova original", "window original"}
    assert axes.lines[-1].get_xdata() == [3000, 3000]
    assert axes.get_ylim()[1] < 2.2 * math.exp(3.06)  # what has lost the text is cut off
    assert (tmp_path / "x.png").stat().st_size > 10_000


def test_policies_have_colours_and_positions_dashes(stream: Any) -> None:
    pairs = [("tova", "slots"), ("tova", "original"), ("window", "slots")]
    rows: list[Row] = only([stream(policy, at, [[3.0, 3.1]]) for policy, at in pairs]).rows
    found = {row.label: style for row, style in zip(rows, styles(rows), strict=True)}
    assert found["tova slots"]["color"] == found["tova original"]["color"] != found["window slots"]["color"]
    assert found["tova slots"]["linestyle"] == found["window slots"]["linestyle"] != found["tova original"]["linestyle"]
