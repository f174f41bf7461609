"""What not every record has: compared where both sides have it, and written with as many digits as it deserves."""

import math

import pytest

from reattend.report.estimates import Compared, compare, ends, factor, plus_minus
from reattend.report.statistics import Estimate, estimate


def test_differences_by_hand() -> None:
    found = compare([3.0, 5.0], [(3.0, 2.5), (5.0, 4.0)], lambda value: value)
    assert found.own == estimate([3.0, 5.0]) and found.difference == estimate([0.5, 1.0])


def test_ratios_by_hand() -> None:
    found = compare([2.0, 8.0], [(2.0, 1.0), (8.0, 1.0)], lambda value: value, as_ratio=True)
    assert found.own == estimate([2.0, 8.0])
    assert found.difference is not None
    assert math.exp(found.difference.mean) == pytest.approx(4.0)  # the geometric mean of 2 and 8
    mean, low, high = ends(found.difference, as_ratio=True)
    assert mean == pytest.approx(4.0) and low is not None and high is not None
    assert low * high == pytest.approx(16.0)  # symmetric about 4 as a factor


def test_what_one_side_lacks_is_no_pair() -> None:
    values = {1: 0.5, 2: None, 3: 0.7, 4: 0.0}
    assert compare([2], [(2, 1)], values.get) == Compared(None, None)
    assert compare([1, 2], [(1, 3), (2, 3)], values.get) == Compared(
        estimate([0.5]), Estimate(1, pytest.approx(-0.2), None, None)
    )
    assert compare([4], [(4, 1)], values.get, as_ratio=True).difference is None  # zero has no logarithm


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.8, 0.9, 1.0], "0.900 ± 0.100"),
        ([0.00031, 0.00032, 0.00033], "0.000320 ± 0.000010"),
        ([3e-9, 4e-9, 5e-9], "4.00e-09 ± 1.00e-09"),
        ([123.4], "123 ± -"),
        ([0.0, 0.0], "0.00 ± 0.00"),
    ],
)
def test_digits_follow_the_mean(values: list[float], text: str) -> None:
    assert plus_minus(estimate(values)) == text


def test_cells() -> None:
    assert plus_minus(None) == factor(None) == "-"
    assert plus_minus(estimate([0.8126, 0.8128]), decimals=3) == "0.813 ± 0.000"
    assert factor(estimate([math.log(2)])) == "× 2.00"
    assert factor(Estimate(3, 0.0, 0.1, (math.log(0.5), math.log(2)))) == "× 1.00 [0.500, 2.00], spans one"
    assert factor(Estimate(3, math.log(123), 0.1, (math.log(99.96), math.log(151)))) == "× 123 [100, 151]"
    assert ends(None) == (None, None, None)
    assert ends(Estimate(2, 0.5, 0.1, (0.4, 0.6))) == (0.5, 0.4, 0.6)
