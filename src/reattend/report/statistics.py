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

    @property
    def is_clear(self) -> bool:
        """Whether there is an interval, and it leaves out zero."""
        return self.interval is not None and not self.spans_zero

    @property
    def p(self) -> float | None:
        """Two-sided, of Student's test that the mean is zero: below 0.05 where the interval leaves out zero."""
        if self.interval is None:
            return None
        half, freedom = (self.interval[1] - self.interval[0]) / 2, self.n - 1
        if half == 0:
            return float(self.mean == 0)
        t = abs(self.mean) / half * student_quantile(freedom, confidence=0.95)
        return 1 - _central(math.atan(t / math.sqrt(freedom)), freedom)


def estimate(values: Sequence[float], *, weights: Sequence[float] | None = None) -> Estimate:
    """Mean, deviation and 95 % t-interval of `values`.

    `weights` make the mean that of what the values are means of: chunks of unequal length, say. The interval is then
    that of a ratio of sums (Cochran, Sampling Techniques, chapter 6), and the common one where all weights are equal.
    """
    n = len(values)
    shares = [1 / n] * n if weights is None else [weight / sum(weights) for weight in weights]
    mean = statistics.fmean(values, weights)
    if n == 1:
        return Estimate(1, mean, None, None)
    spread = math.fsum((share * (value - mean)) ** 2 for share, value in zip(shares, values, strict=True))
    half = student_quantile(n - 1, confidence=0.95) * math.sqrt(n / (n - 1) * spread)
    return Estimate(n, mean, statistics.stdev(values), (mean - half, mean + half))


def student_quantile(freedom: int, *, confidence: float) -> float:
    """The t with P(|T| <= t) = confidence, by bisection of the closed form."""
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if _central(middle, freedom) > confidence else (middle, high)
    return math.tan(low) * math.sqrt(freedom)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values adjusted for their number (Holm 1979), in the order given.

    Those of at most 5 % are differences of which, with a chance of 95 %, not one is by chance.
    """
    adjusted, highest, left = list(p_values), 0.0, len(p_values)
    for i in sorted(range(left), key=lambda i: p_values[i]):
        highest = max(highest, min(1.0, left * p_values[i]))
        adjusted[i] = highest
        left -= 1
    return adjusted


def _central(theta: float, freedom: int) -> float:
    """P(|T| <= sqrt(freedom) tan(theta)): Abramowitz and Stegun 26.7.3 (odd) and 26.7.4 (even)."""
    cosine, odd = math.cos(theta), freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for k in range(2 + odd, freedom + 1, 2):
        total += term
        term *= cosine**2 * (k - 1) / k
    area = math.sin(theta) * total
    return 2 / math.pi * (theta + area) if odd else area
