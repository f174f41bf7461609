"""How sure is a mean of a few seeds? Student's interval, without scipy."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Estimate:
    """A mean over `n` values; what one value cannot tell is None."""

    n: int
    mean: float
    deviation: float | None  # sample standard deviation
    interval: tuple[float, float] | None  # 95 %

    @property
    def spans_zero(self) -> bool:
        """Whether the interval leaves the sign open."""
        return self.interval is not None and self.interval[0] <= 0 <= self.interval[1]


def estimate(values: Sequence[float]) -> Estimate:
    """Mean, deviation and 95 % t-interval of `values`."""
    n, mean = len(values), statistics.fmean(values)
    if n == 1:
        return Estimate(1, mean, None, None)
    deviation = statistics.stdev(values)
    half = student_quantile(n - 1, confidence=0.95) * deviation / math.sqrt(n)
    return Estimate(n, mean, deviation, (mean - half, mean + half))


def student_quantile(freedom: int, *, confidence: float) -> float:
    """The t with P(|T| <= t) = confidence, by bisection of the closed form."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _central(middle, freedom) > confidence else (middle, high)
    return math.tan(low) * math.sqrt(freedom)


def _central(theta: float, freedom: int) -> float:
    """P(|T| <= sqrt(freedom) tan(theta)): Abramowitz and Stegun 26.7.3 (odd) and 26.7.4 (even)."""
    cosine, odd = math.cos(theta), freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for k in range(2 + odd, freedom + 1, 2):
        total += term
        term *= cosine**2 * (k - 1) / k
    area = math.sin(theta) * total
    return 2 / math.pi * (theta + area) if odd else area
