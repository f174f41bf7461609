"""Intervals and p-values against printed tables, closed forms and a calculation by hand."""

import itertools
import math
import random

import pytest

from reattend.report.statistics import estimate, holm, student_quantile

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


def test_p_values_by_closed_forms() -> None:
    two = estimate([0.3, -0.1])  # mean 0.1, standard error 0.2: t = 0.5 with 1 degree of freedom, Cauchy's arctangent
    assert two.p == pytest.approx(1 - 2 / math.pi * math.atan(0.5))
    three = estimate([-0.01, -0.02, -0.06])  # t = -0.03 / (0.0264575 / sqrt 3) with 2 degrees: 1 - t / sqrt(2 + t²)
    t = 0.03 / (math.sqrt(0.0014 / 2) / math.sqrt(3))
    assert three.p == pytest.approx(1 - t / math.sqrt(2 + t**2))


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 9, 30])
def test_p_values_by_printed_tables(freedom: int) -> None:
    for level, t in zip((0.05, 0.01), PRINTED[freedom], strict=True):
        # n values of mean t and standard error 1: two that differ by d from it, the others on it
        n, sd = freedom + 1, math.sqrt(freedom + 1)
        d = sd * math.sqrt(freedom / 2)
        assert estimate([t - d, t + d, *[t] * (n - 2)]).p == pytest.approx(level, abs=2e-4)


def test_p_and_interval_agree() -> None:
    numbers = random.Random(0)
    for _ in range(200):
        found = estimate([numbers.gauss(0.5, 0.5) for _ in range(numbers.randint(2, 6))])
        assert found.p is not None
        assert (found.p > 0.05) == found.spans_zero


def test_p_of_values_that_are_all_the_same() -> None:
    assert estimate([0.1, 0.1]).p == 0.0
    assert estimate([0.0, 0.0]).p == 1.0
    assert estimate([0.1]).p is None


def test_holm_as_published() -> None:
    # Wikipedia, Holm-Bonferroni method: at 5 % the fourth and the first are rejected, the third and the second not
    adjusted = holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [p <= 0.05 for p in adjusted] == [True, False, False, True]
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_holm_is_the_closed_test_of_bonferroni() -> None:
    """Marcus, Peritz and Gabriel 1976: a hypothesis falls with every set of hypotheses that it belongs to."""
    numbers = random.Random(1)
    for _ in range(20):
        p_values = [numbers.random() ** 3 for _ in range(6)]
        sets = [s for size in range(1, 7) for s in itertools.combinations(range(6), size)]
        for i, adjusted in enumerate(holm(p_values)):
            by_set = max(min(1.0, len(s) * min(p_values[j] for j in s)) for s in sets if i in s)
            assert adjusted == pytest.approx(by_set)
