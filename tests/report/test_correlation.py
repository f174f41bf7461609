"""Correlations by hand, by a loop over single draws, and what must not change them."""

import math
import statistics
from collections.abc import Sequence

import numpy as np
import pytest

from reattend.report.correlation import SEED, correlate

XS = [0.81, 0.83, 0.79, 0.90, 0.88, 0.83, 0.86, 0.75]
YS = [2.91, 2.90, 2.95, 2.84, 2.90, 2.93, 2.80, 3.02]


def naive_ranks(values: Sequence[float]) -> list[float]:
    ordered = sorted(values)
    return [statistics.fmean(i + 1 for i, other in enumerate(ordered) if other == value) for value in values]


def test_spearman_by_hand() -> None:
    # ranks differ by 1, 1, 1, 1, 0: 1 - 6 * 4 / (5 * 24)
    found = correlate([10, 20, 30, 40, 50], [2, 1, 4, 3, 5])
    assert found is not None and found.n == 5
    assert found.spearman.value == pytest.approx(0.8)


def test_equal_values_share_their_rank() -> None:
    # ranks 1, 2.5, 2.5, 4 and 1, 3, 2, 4: 4.5 / sqrt(4.5 * 5)
    found = correlate([1, 2, 2, 3], [1, 3, 2, 4])
    assert found is not None
    assert found.spearman.value == pytest.approx(4.5 / math.sqrt(22.5))


def test_every_draw_by_a_loop() -> None:
    draws = 150
    found = correlate(XS, YS, draws=draws)
    assert found is not None
    assert found.pearson.value == pytest.approx(statistics.correlation(XS, YS))
    chosen = np.random.default_rng(SEED).integers(len(XS), size=(draws, len(XS))).tolist()
    drawn = [([XS[i] for i in rows], [YS[i] for i in rows]) for rows in chosen]
    for coefficient, of in ((found.pearson, list), (found.spearman, naive_ranks)):
        values = [statistics.correlation(of(xs), of(ys)) for xs, ys in drawn]
        assert coefficient.interval == pytest.approx((np.percentile(values, 2.5), np.percentile(values, 97.5)))


def test_ranks_alone_matter_to_spearman() -> None:
    plain, bent = correlate(XS, YS), correlate([math.exp(9 * x) for x in XS], YS)
    assert plain is not None and bent is not None
    assert bent.spearman == plain.spearman
    assert bent.pearson.value != pytest.approx(plain.pearson.value, abs=1e-3)


def test_a_turned_sign() -> None:
    plain, turned = correlate(XS, YS), correlate(XS, [-y for y in YS])
    assert plain is not None and turned is not None
    low, high = plain.spearman.interval
    assert not plain.spearman.spans_zero and high < 0
    assert turned.spearman.interval == pytest.approx((-high, -low))


def test_noise_spans_zero() -> None:
    found = correlate(XS, YS[::-1])
    assert found is not None and found.spearman.spans_zero and found.pearson.spans_zero


@pytest.mark.parametrize(("xs", "ys"), [([1, 2, 3], [3, 1, 2]), ([0.3] * 5, [1, 2, 3, 4, 5]), ([], [])])
def test_nothing_to_correlate(xs: list[float], ys: list[float]) -> None:
    assert correlate(xs, ys) is None


def test_draws_without_a_coefficient_are_left_out() -> None:
    found = correlate([0.1, 0.1, 0.1, 0.7], [1, 2, 3, 4])  # every third draw has 0.1 alone
    assert found is not None and all(map(math.isfinite, found.spearman.interval + found.pearson.interval))
