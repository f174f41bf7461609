"""Intervals against printed tables and a calculation by hand."""

import math

import pytest

from reattend.report.statistics import estimate, student_quantile

# two-sided 95 % and 99 % points of Student's t, as printed in every table
PRINTED = {1: (12.706, 63.657), 2: (4.303, 9.925), 3: (3.182, 5.841), 4: (2.776, 4.604), 9: (2.262, 3.250)}
PRINTED |= {10: (2.228, 3.169), 30: (2.042, 2.750), 120: (1.980, 2.617)}


@pytest.mark.parametrize("freedom", PRINTED)
def test_quantiles(freedom: int) -> None:
    for confidence, printed in zip((0.95, 0.99), PRINTED[freedom], strict=True):
        assert student_quantile(freedom, confidence=confidence) == pytest.approx(printed, abs=6e-4)


def test_interval_by_hand() -> None:
    # mean -0.03; deviations 0.02, 0.01, -0.03 -> sd = sqrt(0.0014 / 2); half = 4.3027 * sd / sqrt(3)
    found = estimate([-0.01, -0.02, -0.06])
    assert found.mean == pytest.approx(-0.03)
    assert found.deviation == pytest.approx(0.0264575)
    assert found.interval == pytest.approx((-0.03 - 0.0657241, -0.03 + 0.0657241), abs=1e-6)
    assert found.spans_zero


def test_weights_by_hand() -> None:
    # mean (3 * 1 + 1 * 3) / 4 = 1.5; shares 3/4 and 1/4; spread (3/4 * 1/2)² + (1/4 * 3/2)² = 9/32; times 2 / (2 - 1)
    found = estimate([1.0, 3.0], weights=[3, 1])
    assert found.mean == pytest.approx(1.5)
    half = 12.7062 * math.sqrt(9 / 16)
    assert found.interval == pytest.approx((1.5 - half, 1.5 + half), abs=1e-3)


def test_equal_weights_change_nothing() -> None:
    plain, weighted = estimate([-0.01, -0.02, -0.06]), estimate([-0.01, -0.02, -0.06], weights=[7, 7, 7])
    assert plain.interval == pytest.approx(weighted.interval)


def test_a_clear_difference_does_not_span_zero() -> None:
    assert not estimate([-0.03, -0.031, -0.029]).spans_zero


def test_one_value_has_no_spread() -> None:
    found = estimate([2.5])
    assert (found.n, found.mean, found.deviation, found.interval) == (1, 2.5, None, None)
    assert not found.spans_zero


def test_large_samples_approach_the_normal() -> None:
    assert math.isclose(student_quantile(2000, confidence=0.95), 1.9612, abs_tol=1e-4)
