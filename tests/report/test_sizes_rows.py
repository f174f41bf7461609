"""Which evaluations are a row or a block, what these are called, and what must not be compared."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from reattend.records import EvaluationRecord, RecordError
from reattend.report.sizes.rows import not_named, split
from reattend.report.sizes.specification import SizesSpec
from reattend.report.sizes.table import Block, build_table
from reattend.report.sizes.text import markdown
from reattend.report.table import select

MakeEvaluation = Callable[..., EvaluationRecord]
LAYER: dict[str, Any] = {"scope": "layer", "first": 0}


def only(spec: SizesSpec, records: list[EvaluationRecord]) -> Block:
    (block,) = build_table(spec, records).blocks
    return block


def test_labels_say_where_a_row_departs_from_most(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    options = [LAYER, {**LAYER, "first": 16}, {**LAYER, "first": 4}, {**LAYER, "scope": "head"}]
    records = [make_evaluation("tova", 64, **chosen) for chosen in options]
    records += [make_evaluation("h2o", 64, scope=scope) for scope in ("layer", "head")]
    block = only(sizes_spec, records)
    assert [row.label for row in block.rows] == [
        *("h2o scope=head", "h2o scope=layer"),
        *("tova", "tova first=4", "tova first=16", "tova scope=head"),
    ]
    assert block.not_named == ["tova first=0 scope=layer"]
    assert "- Where a row does not say: tova first=0 scope=layer." in markdown(build_table(sizes_spec, records))


def test_settings_beside_the_policy_are_told_apart_too(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    records = [make_evaluation("tova", size, **LAYER) for size in (64, 128)]
    records += [make_evaluation("tova", 256, settings={"chunk": 64}, **LAYER), make_evaluation()]
    block = only(sizes_spec, records)
    assert [row.label for row in block.rows] == ["full", "tova", "tova chunk=64"]
    assert block.not_named == ["chunk=256"]
    assert all(cell.above for row in block.rows[1:] for cell in row.cells.values())


def test_an_unbounded_policy_that_is_not_the_topline(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    block = only(sizes_spec, [make_evaluation("full"), make_evaluation("half", nats=(3.1, 3.3))])
    assert [row.label for row in block.rows] == ["full", "half"]
    assert block.sizes == []
    above = block.rows[1].cells[None].above
    assert above is not None and above.mean == pytest.approx(0.1)


def test_a_block_for_each_model_and_text(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    records = [
        *(make_evaluation("full", lm=lm) for lm in ("smollm2", "llama2_7b")),
        make_evaluation("full", dtype="bfloat16"),
        make_evaluation("full", nats=[3.0], settings={"data.context": 2048}),
    ]
    assert list(split(sizes_spec, records)) == [
        "llama2_7b",
        "smollm2 data.context=2048 dtype=float32",
        "smollm2 data.context=4096 dtype=bfloat16",
        "smollm2 data.context=4096 dtype=float32",
    ]
    text = markdown(build_table(sizes_spec, records))
    assert text.count("Perplexity per token of **") == 4
    assert "- Score of smollm2 data.context=2048 dtype=float32: " in text
    assert "- Score of llama2_7b, smollm2 data.context=4096 dtype=bfloat16 and smollm2 data" in text


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        ({"nats": [3.0]}, "chunks: 1 of them but X has 2"),
        ({"tokens": [4095, 100]}, "chunks: 100 tokens from 0 of 'Book 2' but X has 4095 tokens"),
        ({"sha256": "dead"}, "documents: 'Book 1' with sha256 dead but X has 'Book 1' with sha256 feed"),
    ],
)
def test_refuses_to_mix(
    other: dict[str, Any], problem: str, sizes_spec: SizesSpec, make_evaluation: MakeEvaluation
) -> None:
    one, two = make_evaluation("full"), make_evaluation("tova", 64, **other, **LAYER)
    with pytest.raises(RecordError) as error:
        build_table(sizes_spec, [one, two])
    assert str(error.value).startswith(f"{two.name}: {problem.replace('X', one.name)}")
    assert "another results_dir" in str(error.value)


def test_refuses_other_weights(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    one, two = make_evaluation("full"), make_evaluation("tova", 64, **LAYER)
    changed = dataclasses.replace(two, lm={**two.lm, "dtype": "bfloat16"})  # as dtype=auto may choose on a GPU
    with pytest.raises(RecordError, match=r"model: dtype bfloat16 but .* has dtype float32"):
        build_table(sizes_spec, [one, changed])


def test_refuses_to_count_a_run_twice(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    again = make_evaluation("full", settings={"name": "again"})
    with pytest.raises(RecordError, match=r"^again: same configuration as tova_pg19_"):
        build_table(sizes_spec, [make_evaluation("full"), again])


def test_select_takes_the_records_of_its_kind(
    sizes_spec: SizesSpec, make_evaluation: MakeEvaluation, make_record: Callable[..., Any]
) -> None:
    trained = make_record(settings={"experiment": "tova_pg19"})
    mine = make_evaluation()
    other = dataclasses.replace(mine, config={**mine.config, "experiment": "mine"})
    assert select(sizes_spec, [trained, mine, other]) == [mine]


def test_nothing_is_unnamed_where_all_is_equal(sizes_spec: SizesSpec, make_evaluation: MakeEvaluation) -> None:
    records = [make_evaluation(), make_evaluation("tova", 64, **LAYER)]
    assert only(sizes_spec, records).not_named == []
    assert not_named([]) == []
