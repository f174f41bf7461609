"""The three claims: numbers by hand, what is said of them, and records that have not measured everything."""

import csv
import dataclasses
import io
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from made_up_diagnostics import SETTINGS, diagnosed

from reattend.records import TrainingRecord
from reattend.report.collapse.figure import draw
from reattend.report.collapse.measured import gradient, lambdas, last_layer
from reattend.report.collapse.numbers import build_table
from reattend.report.collapse.specification import CollapseSpec
from reattend.report.collapse.text import markdown, values
from reattend.report.grid import comma_separated
from reattend.settings import SettingError

MakeRecord = Callable[..., TrainingRecord]


@pytest.fixture
def pairs(make_record: MakeRecord) -> list[TrainingRecord]:
    """Three seeds of two mechanisms: ratios +0.03, +0.03, +0.04; gradients twice; scores -0.01, -0.02, -0.06."""

    def made(name: str, seed: int, bits: float, ratio: float, cosine: float, query: Sequence[float]) -> TrainingRecord:
        return diagnosed(make_record(name, seed, bits, settings=SETTINGS), ratio, cosine, query=query)

    return [
        made("softmax", 1, 2.50, 0.80, 0.30, (0.1, 0.4)),
        made("softmax", 2, 2.52, 0.82, 0.31, (0.1, 0.4)),
        made("softmax", 3, 2.57, 0.84, 0.32, (0.2, 0.2)),
        made("dagpam", 1, 2.49, 0.83, 0.33, (0.2, 0.8)),
        made("dagpam", 2, 2.50, 0.85, 0.34, (0.4, 0.4)),
        made("dagpam", 3, 2.51, 0.88, 0.35, (0.8, 0.2)),
    ]


def test_numbers_by_hand(claimed: CollapseSpec, pairs: list[TrainingRecord]) -> None:
    softmax, dagpam = build_table(claimed, pairs).rows
    assert softmax.ratio.difference is softmax.gradient.difference is None
    assert softmax.ratio.own is not None and softmax.ratio.own.mean == pytest.approx(0.82)
    assert softmax.ratio.own.deviation == pytest.approx(0.02)
    found = dagpam.ratio.difference
    assert found is not None and found.mean == pytest.approx(0.1 / 3)
    # deviations -1/300, -1/300, 2/300: sd 0.0057735; half = 4.30265 * sd / sqrt(3)
    assert found.interval == pytest.approx((0.1 / 3 - 0.0143422, 0.1 / 3 + 0.0143422), abs=1e-6)
    assert dagpam.cosine.difference is not None and dagpam.cosine.difference.mean == pytest.approx(0.03)
    assert softmax.gradient.own is not None and softmax.gradient.own.mean == pytest.approx(0.2)  # sqrt(0.1 * 0.4)
    ratio = dagpam.gradient.difference
    assert ratio is not None and math.exp(ratio.mean) == pytest.approx(2.0)
    assert dagpam.scored.difference is not None and dagpam.scored.difference.mean == pytest.approx(-0.03)


def test_what_a_record_measured(pairs: list[TrainingRecord]) -> None:
    record = pairs[0]
    assert last_layer(record, "residual_ratio") == 0.80  # at the end
    assert gradient(record) == pytest.approx(0.2)  # step 1 is within the warm-up
    assert last_layer(record, "negative_share") is None  # a mechanism without it
    bare = dataclasses.replace(record, diagnostics=[])
    assert last_layer(bare, "residual_ratio") is gradient(bare) is None
    assert gradient(diagnosed(bare, 0.8, query=[0.2, 0.0])) is None
    assert gradient(diagnosed(bare, 0.8, query=[0.2, None])) is None
    heads = diagnosed(bare, 0.8, learned={"lambda_positive": [[1.0, 3.0], [0.5, 0.5]]})
    assert lambdas(heads, "lambda_positive") == {1: [2.0, 0.5], 100: [200.0, 50.0], 800: [1600.0, 400.0]}
    assert lambdas(record, "lambda_positive") == {}


def test_the_table(claimed: CollapseSpec, pairs: list[TrainingRecord]) -> None:
    lines = markdown(build_table(claimed, pairs)).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[0] == [
        *("attention, control", "residual ratio", "Δ to softmax", "token cosine", "Δ to softmax"),
        *("W_Q gradient / softmax", "test bits per byte", "Δ to softmax"),
    ]
    assert cells[2] == ["softmax", "0.820 ± 0.020", "-", "0.310 ± 0.010", "-", "-", "2.5300 ± 0.0361 (n=3)", "-"]
    assert cells[3] == [
        *("dagpam", "0.853 ± 0.025", "+0.033 [+0.019, +0.048]", "0.340 ± 0.010", "+0.030 [+0.030, +0.030]"),
        *("× 2.00 [2.00, 2.00]", "2.5000 ± 0.0100 (n=3)", "-0.0300 [-0.0957, +0.0357], spans zero"),
    ]
    header, _, dagpam = csv.reader(io.StringIO(comma_separated(values(build_table(claimed, pairs)))))
    found = dict(zip(header, dagpam, strict=True))
    assert (found["row"], found["residual_ratio_delta"], found["query_gradient_ratio"]) == ("dagpam", "0.0333333", "2")
    assert (found["query_gradient"], found["score_delta_low"]) == ("0.4", "-0.0957241")


def test_the_claims(claimed: CollapseSpec, pairs: list[TrainingRecord]) -> None:
    text = markdown(build_table(claimed, pairs))
    assert (
        "- Less rank collapse, dagpam against softmax: yes, residual ratio +0.033 [+0.019, +0.048]; "
        "the opposite, token cosine +0.030 [+0.030, +0.030].\n"
        "- Larger gradients of W_Q, dagpam against softmax: yes, norm × 2.00 [2.00, 2.00].\n"
        "- A better score, dagpam against softmax: not shown, "
        "test bits per byte -0.0300 [-0.0957, +0.0357], spans zero.\n"
    ) in text
    assert "measured at 800." in text and "the steps 100, 800, after the warm-up" in text
    turned = markdown(
        build_table(dataclasses.replace(claimed, baseline="dagpam", claim={"attention.name": "softmax"}), pairs)
    )
    assert "softmax against dagpam: the opposite, residual ratio -0.033" in turned
    assert "the opposite, norm × 0.500 [0.500, 0.500]" in turned
    better = dataclasses.replace(claimed, lower_is_better=False)
    clear = [
        dataclasses.replace(record, metrics={claimed.metric: pairs[0].metrics[claimed.metric]}) for record in pairs
    ]
    for record, value in zip(clear[3:], (2.61, 2.60, 2.62), strict=True):
        record.metrics[claimed.metric] = dataclasses.replace(record.metrics[claimed.metric], value=value)
    assert "A better score, dagpam against softmax: yes, " in markdown(build_table(better, clear))
    assert "A better score, dagpam against softmax: the opposite, " in markdown(build_table(claimed, clear))


def test_whom_the_claims_are_about(claimed: CollapseSpec, pairs: list[TrainingRecord]) -> None:
    text = markdown(build_table(claimed, pairs[:3]))
    assert "- The claims are about attention.name=dagpam, control.name=none, of which there is no record." in text
    config = {**pairs[3].config, "control": {"name": "equal_time"}}
    other = dataclasses.replace(pairs[3], config=config, name="other")
    rows = build_table(claimed, [*pairs, other]).rows
    assert [(row.label, row.claimed) for row in rows[1:]] == [("dagpam", True), ("dagpam equal_time", False)]


def test_one_seed_shows_nothing(claimed: CollapseSpec, pairs: list[TrainingRecord]) -> None:
    text = markdown(build_table(claimed, [pairs[0], pairs[3]]))
    assert "Less rank collapse, dagpam against softmax: not shown with one seed, residual ratio +0.030;" in text
    assert "no correlation: fewer than four rows have both" in text


def test_what_was_not_measured(claimed: CollapseSpec, pairs: list[TrainingRecord], tmp_path: Path) -> None:
    bare = [dataclasses.replace(record, diagnostics=[]) for record in pairs]
    table = build_table(claimed, [*pairs[:3], *bare[3:5], pairs[5]])
    dagpam = table.rows[1]
    assert dagpam.ratio.own is not None and (dagpam.ratio.own.n, dagpam.scored.score.n) == (1, 3)
    assert "0.880 ± - (n=1)" in markdown(table)
    table = build_table(claimed, bare)
    text = markdown(table)
    assert "dagpam against softmax: not measured; not measured." in text
    assert "Not measured, for want of trainer.diagnose_every: softmax, dagpam." in text
    assert text.splitlines()[5].split("|")[2].strip() == "-"
    draw(table, tmp_path / "empty.png")
    assert (tmp_path / "empty.png").stat().st_size > 0


def test_columns_are_no_key_of_it(claimed: CollapseSpec) -> None:
    with pytest.raises(SettingError, match=r"table\.mine\.columns=.*expected nothing"):
        dataclasses.replace(claimed, name="mine", columns=["score"])
