"""What the state keeps: numbers by hand, the paper's beside ours, maps, and what cannot stand together."""

import csv
import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest
from described import conf_table
from made_up_retention import READ, STEPS, make_retention

from reattend.records import RecordError, RetentionRecord, read_record, write_record
from reattend.report.grid import comma_separated
from reattend.report.retention.cells import Cell, steps
from reattend.report.retention.figure import draw
from reattend.report.retention.numbers import Table, agreement, build_table
from reattend.report.retention.specification import PublishedTags, RetentionSpec
from reattend.report.retention.text import markdown, values
from reattend.settings import SettingError


@pytest.fixture(scope="module")
def spec() -> RetentionSpec:
    return dataclasses.replace(conf_table("retention", RetentionSpec), fewest=1)


def only(spec: RetentionSpec, *records: RetentionRecord) -> tuple[Table, list[Cell]]:
    table = build_table(spec, records)
    (block,) = table.blocks
    return table, [cell for _, cell in block.cells]


@pytest.mark.parametrize(("size", "mean"), [(256, 248.97), (512, 480.94), (1024, 896.88), (2048, 1536.75)])
def test_the_papers_means_follow_from_the_sizes(spec: RetentionSpec, size: int, mean: float) -> None:
    assert steps(4096, size) / 4096 == pytest.approx(mean, abs=0.005)
    (paper,) = spec.published
    assert paper.mean[paper.sizes.index(size)] == round(mean)
    assert steps(4096, size) == sum(min(t, size + 1) for t in range(1, 4097))


def test_steps_of_a_text_that_does_not_fill_the_state() -> None:
    assert [steps(tokens, 4) for tokens in (1, 4, 5, 6)] == [1, 10, 15, 20]


def test_numbers_by_hand(spec: RetentionSpec) -> None:
    _, (cell,) = only(spec, make_retention())
    assert cell.residence.mean == cell.one_a_step == STEPS / READ
    assert cell.recency is not None
    assert cell.recency.mean == pytest.approx((36 + 24) / 96)  # shares of 0.75 and 0.5
    assert cell.recency.interval == (0, 1)  # 12.7062 * 0.125 to either side is clipped to what is possible
    _, (near,) = only(spec, make_retention(recent=(18, 18)))
    assert near.recency is not None and near.recency.interval == pytest.approx((0.75, 0.75))
    assert cell.at_once.mean == pytest.approx(1 / 40)
    assert cell.first.mean == pytest.approx((20 + 14) / 4)
    noun, article = cell.tag("NN"), cell.tag("DT")
    assert noun is not None and noun.mean == pytest.approx(130 / 28)
    assert article is not None and article.mean == pytest.approx(38 / 8) and article.interval is None
    assert cell.tag("VB") is None
    assert cell.tokens_of == {"NN": 14, "DT": 4, ",": 2}
    assert cell.first_positions[:2] == [34 / 4, 5] and cell.stayed[0] == 0.75
    assert cell.layers == [30 / 48, 1]


def test_the_table(spec: RetentionSpec) -> None:
    records = [
        make_retention(),
        make_retention("tova", 8, steps=54),
        make_retention("random"),
        make_retention("tova", scope="head"),
    ]
    text = markdown(build_table(spec, records))
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if "|" in line]
    assert [line[:2] for line in lines[2:6]] == [
        *(["random", "4"], ["tova scope=head", "4"], ["tova scope=layer", "4"], ["tova scope=layer", "8"])
    ]
    assert lines[2][2:] == [*("62.5 [0.0, 100.0]", "8 [1, 10]", "75", "2.50 [0.00, 34.27]", "4.00", "20.09")]
    assert lines[6] == ["tag", "tokens", "4", "8", *(f"paper {size}" for size in (256, 512, 1024, 2048))]
    assert lines[8] == ["all", "20", "4", "5", "249", "481", "897", "1,537"]
    assert [line[0] for line in lines[9:]] == ["`DT`", "`NN`", "`,`"]  # those that stay longest first
    assert lines[9][1:3] == ["4", "5"] and lines[9][4:] == ["190", "379", "734", "1,363"]
    for said in (
        "the mean is 4.00 at 4, 5.40 at 8 whatever leaves",
        "Read: 20 tokens in 2 chunks of up to 10 of pg19 (Book).",
        "Parts of speech by made up 1.0;",
        "Paper: LLaMA-2-7B on 31 instances of PG-19, 4,096 tokens (arXiv 2401.06104v2, Tables 2 and 5)",
    ):
        assert said in text


def test_a_policy_that_drops_several_at_once_is_said_to(spec: RetentionSpec) -> None:
    text = markdown(build_table(spec, [make_retention(), make_retention("truncate", steps=30)]))
    assert "smollm2: the mean is 4.00 at 4 whatever leaves" in text
    assert "smollm2: truncate 4 let several entries go at once, or none, and have another mean." in text


PAPER = PublishedTags(
    model="Theirs",
    task="a task",
    source="a paper",
    sizes=[4],
    mean=[4.0],
    rows={"NN": [5.0], "DT": [4.0], ",": [3.0], "VB": [2.0], "XX": [1.0]},
)
FOUR = ({"NN": "3 24", "DT": "2 12", ",": "2 18", "VB": "3 6"}, {"NN": "10 40"})


def test_how_the_order_goes_with_a_papers(spec: RetentionSpec) -> None:
    """Means of 64/26, 3, 4.5 and 1 beside 5, 4, 3 and 2: ranks 2, 3, 4, 1 and 4, 3, 2, 1."""
    spec = dataclasses.replace(spec, published=[PAPER])
    table, _ = only(spec, make_retention(tags=FOUR))
    found = agreement(table.blocks[0].rows[0], PAPER, 4, fewest=1)
    assert found is not None and found.n == 4
    assert found.spearman.value == pytest.approx(1 - 6 * (4 + 0 + 4 + 0) / (4 * 15))
    text = markdown(table)
    assert "the order of 4 parts of speech goes with that of Theirs by Spearman's 0.20 [" in text
    assert "| paper 4 |" in text and "`XX`" not in text
    assert agreement(table.blocks[0].rows[0], PAPER, 4, fewest=3) is None  # two have so many tokens


def test_rare_parts_of_speech_are_in_the_csv_alone(spec: RetentionSpec) -> None:
    table = build_table(dataclasses.replace(spec, fewest=3), [make_retention()])
    assert "`,`" not in markdown(table)
    rows = [*csv.DictReader(io.StringIO(comma_separated(values(table))))]
    found = {(row["measure"], row["of"]): row for row in rows}
    assert found["residence", "part of speech ,"]["value"] == "2"
    assert found["tokens", "part of speech ,"]["value"] == "2"
    assert found["residence", ""]["value"] == "4"
    assert (found["recency", ""]["value"], found["recency", "layer 1 set 0"]["value"]) == ("0.625", "1")
    assert found["stayed", "position 0"]["value"] == "0.75"
    assert found["recency", ""]["low"] == "0"


def test_a_picture_of_two_models(spec: RetentionSpec, tmp_path: Path) -> None:
    other = [make_retention(lm="other", sha256="dead"), make_retention("random", lm="other", sha256="dead")]
    records = [make_retention(), make_retention("tova", 512), make_retention("random"), *other]
    table = build_table(spec, records)
    assert [block.label for block in table.blocks] == ["other", "smollm2"]
    drawn = [table.mapped(block) for block in table.blocks]
    assert [(row.label, cell.size) for row, cell in drawn] == [("tova", 4), ("tova", 512)]  # what `mapped` asks for
    draw(table, tmp_path / "one.png")
    draw(table, tmp_path / "two.png")
    assert (tmp_path / "one.png").stat().st_size > 50_000
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_state_that_was_never_full(spec: RetentionSpec, tmp_path: Path) -> None:
    record = make_retention()
    for part in record.parts:
        part["kept"] = part["recent"] = 0
    for layer in record.layers:
        layer["kept"] = layer["recent"] = [0]
    table, (cell,) = only(spec, record)
    assert cell.recency is None and cell.layers == [None, None]
    assert "| tova   |    4 |         - |" in markdown(table)
    draw(table, tmp_path / "gaps.png")


@pytest.mark.parametrize(
    ("other", "what"), [({"sha256": "dead"}, "model"), ({"read": 12}, "chunks"), ({"tagger": "other 2"}, "tagger")]
)
def test_what_cannot_be_compared_is_refused(spec: RetentionSpec, other: dict[str, Any], what: str) -> None:
    spec = dataclasses.replace(spec, blocks=["lm"])
    with pytest.raises(RecordError, match=rf"{what} is .*cannot stand in one table \(retention\)"):
        build_table(spec, [make_retention(), make_retention("random", **other)])


def test_the_specification_is_checked(spec: RetentionSpec) -> None:
    with pytest.raises(SettingError, match="expected a list with lm"):
        dataclasses.replace(spec, blocks=["data"])
    with pytest.raises(SettingError, match=r"published\.rows\.mean=.*expected 1 numbers"):
        dataclasses.replace(PAPER, mean=[1.0, 2.0])


def test_a_record_on_disk(tmp_path: Path) -> None:
    record = make_retention()
    write_record(record, tmp_path / "one.json")
    assert read_record(tmp_path / "one.json") == record
