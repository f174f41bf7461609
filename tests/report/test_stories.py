"""Stories and judgements as a table: numbers by hand, what is refused, and what is not called a difference."""

import csv
import dataclasses
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from described import conf_table
from made_up_stories import judged, written

from reattend.records import (
    Record,
    RecordError,
    StoriesRecord,
    read_record,
    write_record,
)
from reattend.report import TableSpec, write_report
from reattend.report.stories.figure import _bars
from reattend.report.stories.numbers import MEASURES, Block, build_table
from reattend.report.stories.specification import StoriesSpec
from reattend.report.stories.text import markdown, values
from reattend.report.table import select
from reattend.settings import SettingError

MEASURE = {measure.name: measure for measure in MEASURES}


@pytest.fixture(scope="module")
def spec() -> StoriesSpec:
    return conf_table("stories", StoriesSpec)


@pytest.fixture
def three() -> list[StoriesRecord]:
    """The topline, TOVA whose stories are 10, 20 and 60 tokens shorter and 0.1, 0.2, 0.3 nats above, and a window."""
    return [
        written(),
        written("tova", 64, (90, 180, 240), (2.1, 2.2, 2.3), untouched=[0], scope="layer"),
        written("window", 64, (100, 201, 299), (2.0, 2.1, 1.9)),
    ]


def only(spec: StoriesSpec, records: Sequence[Any]) -> Block:
    (block,) = build_table(spec, records).blocks
    return block


def test_numbers_by_hand(spec: StoriesSpec, three: list[StoriesRecord]) -> None:
    full, window, tova = only(spec, three[::-1]).versions
    assert [version.label for version in (full, window, tova)] == ["full", "window 64", "tova 64"]
    found = tova.compared(MEASURE["tokens"])
    assert found.own is not None and found.difference is not None
    assert found.own.mean == pytest.approx(170) and found.own.deviation == pytest.approx(math.sqrt(5700))
    assert found.difference.mean == pytest.approx(-30)
    half = 4.3027 * math.sqrt((400 + 100 + 900) / 2) / math.sqrt(3)  # t with 2 degrees of freedom
    assert found.difference.interval == pytest.approx((-30 - half, -30 + half), abs=0.01)
    above = tova.compared(MEASURE["perplexity"]).difference
    assert above is not None and above.mean == pytest.approx(0.2)
    assert full.topline is None and full.compared(MEASURE["tokens"]).difference is None
    assert (tova.count("ended"), tova.count("untouched"), window.count("untouched")) == (1, 1, 0)
    text = markdown(build_table(spec, three))
    assert "170 ± 75" in text and f"{math.exp(2.2):.2f}" in text
    assert "-30.0 [-95.7, +35.7], spans zero" in text and "× 1.22 [0.953, 1.57], spans one" in text


def test_empty_stories_have_no_perplexity_and_no_share(spec: StoriesSpec) -> None:
    block = only(spec, [written(), written("tova", 64, (0, 200, 300))])
    found = block.versions[1].compared(MEASURE["perplexity"])
    assert found.own is not None and found.own.n == 2 and found.difference is not None and found.difference.n == 2
    text = markdown(build_table(spec, [written(tokens=(0, 0, 0))]))
    assert "| -" in text


def test_untouched_stories_must_be_the_toplines(spec: StoriesSpec) -> None:
    same = only(spec, [written(), written("tova", 64, untouched=[0, 1])])
    assert [version.equal for version in same.versions] == [None, 2]
    other = [written(), written("tova", 64, untouched=[0, 1], texts="axc")]
    assert only(spec, other).versions[1].equal == 1
    assert "are those of full to the letter: tova 64 1 of 2; the others differ by" in markdown(build_table(spec, other))


@pytest.mark.parametrize(
    ("won", "lost", "said"),
    [
        (2, 9, "no difference is shown"),  # p = 0.065
        (1, 9, "the judge prefers full"),  # p = 0.021
        (9, 1, "the judge prefers tova 64"),
        (0, 0, "none was decided, so no difference is shown"),
    ],
)
def test_a_lead_is_one_only_where_the_interval_leaves_out_zero(
    spec: StoriesSpec, three: list[StoriesRecord], won: int, lost: int, said: str
) -> None:
    text = markdown(build_table(spec, [*three, judged(three[1], three[0], won, 4, lost)]))
    (line,) = [line for line in text.splitlines() if line.startswith("- tova 64 against full: ") and "ties" not in line]
    assert line.endswith(f"{said}.")
    assert ("spans zero" in next(row for row in text.splitlines() if row.startswith("| tova 64 |  "))) == (won == 2)


def test_missing_comparisons_count_nowhere(spec: StoriesSpec, three: list[StoriesRecord]) -> None:
    records = [*three, judged(three[1], three[0], 1, 2, 1, missing=6)]
    (one,) = only(spec, records).judged
    assert (one.counted, one.won, one.tied, one.lost, one.by_place) == (4, 1, 2, 1, (2, 0))
    (bar,) = _bars(only(spec, records))
    assert bar.label == "tova 64\nagainst full"
    assert bar.shares == [25, 50, 25] and bar.n == 4
    text = markdown(build_table(spec, records))
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    shares = ["25 [5, 70]", "50 [15, 85]", "25 [5, 70]"]
    row = ["tova 64", "full", "m", "4", *shares, "+0.00 [-0.97, +0.97], spans zero", "6", "3"]
    assert [cells for cells in rows if cells[:2] == ["tova 64", "full"]] == [row]
    assert "2 are pairs where the judge twice named the story that stood first" in text


def test_judgements_that_are_all_missing_say_nothing(spec: StoriesSpec, three: list[StoriesRecord]) -> None:
    table = build_table(spec, [*three, judged(three[1], three[0], 0, 0, 0, missing=2)])
    assert "of 0 comparisons none was decided" in markdown(table) and _bars(table.blocks[0]) == []
    assert values(table)


def test_a_judgement_belongs_where_both_sides_do(spec: StoriesSpec, three: list[StoriesRecord]) -> None:
    judgement = judged(three[1], three[0], 1, 1, 1)
    elsewhere = dataclasses.replace(three[0], config=three[0].config | {"experiment": "other"})
    stranger = judged(three[1], elsewhere, 1, 1, 1)
    assert select(spec, [*three, judgement, stranger]) == [*three, judgement]
    anew = dataclasses.replace(three[1], predictions={"name": "x", "sha256": "other"})
    assert only(spec, [three[0], anew, judgement]).judged == []  # of stories that were written over
    with pytest.raises(RecordError, match="its stories are gone"):
        build_table(spec, [judgement])


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (written("tova", 64, prompts="other"), "prompts is other"),
        (written("tova", 64, (1, 2), (1, 1)), r"stories is \[0, 1\]"),
    ],
)
def test_other_stories_cannot_stand_in_one_table(spec: StoriesSpec, other: StoriesRecord, problem: str) -> None:
    with pytest.raises(RecordError, match=problem):
        build_table(spec, [written(), other])


def test_other_seeds_and_lengths_have_blocks_of_their_own(spec: StoriesSpec) -> None:
    table = build_table(spec, [written(), written("tova", 64), written(seed=2), written(longest=300)])
    labels = [block.label for block in table.blocks]
    expected = ["seed=1 task.longest=300", "seed=1 task.longest=null", "seed=2 task.longest=null"]
    assert labels == [f"smollm2 {settings}" for settings in expected]
    assert "smollm2 seed=2 task.longest=null" in markdown(table)


def test_the_papers_numbers_stand_below(spec: StoriesSpec, three: list[StoriesRecord]) -> None:
    text = markdown(build_table(spec, three))
    _, _, below = text.partition("Published for **MythoLogic-L2-13B**")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in below.splitlines() if "|" in line]
    assert ["full", "1,566", "", "", ""] in rows and ["tova 256", "1,361", "6", "47", "47"] in rows
    assert ["tova 512", "1,503", "10", "71", "19"] in rows and ["tova 1024", "1,566", "5", "88", "6"] in rows


def test_published_shares_are_three(spec: StoriesSpec) -> None:
    paper = spec.published[0]
    with pytest.raises(SettingError, match=r"published.judged.tova 256.*expected 3 numbers"):
        dataclasses.replace(paper, judged={"tova 256": [6, 47]})


def test_a_report_of_records_on_disk(spec: TableSpec, three: list[StoriesRecord], tmp_path: Path) -> None:
    records: list[Record] = [*three, judged(three[1], three[0], 1, 5, 4), judged(three[2], three[0], 1, 5, 4, by="n")]
    for record in records:
        path = tmp_path / "runs" / f"{record.name}.json"
        write_record(record, path)
        assert read_record(path) == record
    said: list[str] = []
    write_report(tmp_path, [spec], say=said.append)
    (told,) = said
    assert "Long stories under cache policies" in told
    assert (tmp_path / "figures" / "stories.png").stat().st_size > 10_000
    rows = list(csv.DictReader(io.StringIO((tmp_path / "tables" / "stories.csv").read_text())))
    assert len(rows) == 3 * len(MEASURES) + 2 * 4
    (tokens,) = [row for row in rows if row["version"] == "tova 64" and row["what"] == "tokens"]
    assert (tokens["value"], tokens["to_other"], tokens["n"]) == ("170", "-30", "3")
    (lost,) = [row for row in rows if row["version"] == "tova 64" and row["what"] == "m: second"]
    assert (lost["value"], lost["to_other"], lost["n"]) == ("4", "0.4", "10")
