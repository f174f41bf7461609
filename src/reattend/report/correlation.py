"""Do two numbers of a table's rows go together? Spearman's and Pearson's coefficients, with a bootstrap over the rows.

The interval is the percentile one: rows are drawn with replacement, and the 2.5th and 97.5th percent of the draws'
coefficients are its ends. A draw in which one of the numbers is the same everywhere has no coefficient and is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS, SEED = 10_000, 12345
FEWEST = 4  # rows: three say nothing, whatever their order


@dataclass(frozen=True)
class Coefficient:
    """Between -1 and 1."""

    value: float
    interval: tuple[float, float]  # 95 %

    @property
    def spans_zero(self) -> bool:
        """Whether the interval leaves the sign open."""
        return self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class Correlation:
    """Over `n` rows."""

    n: int
    spearman: Coefficient
    pearson: Coefficient


def correlate(xs: Sequence[float], ys: Sequence[float], *, draws: int = DRAWS, seed: int = SEED) -> Correlation | None:
    """The coefficients of (xs[i], ys[i]); None for fewer than four of them, or where one side never changes."""
    both = np.array([xs, ys], dtype=float)  # [2, N]
    n = both.shape[1]
    if n < FEWEST or not np.ptp(both, axis=1).all():
        return None
    chosen = np.random.default_rng(seed).integers(n, size=(draws, n))
    drawn = both[:, chosen]  # [2, draws, N]
    return Correlation(n, _coefficient(_ranks(both), _ranks(drawn)), _coefficient(both, drawn))


def _coefficient(whole: np.ndarray, drawn: np.ndarray) -> Coefficient:
    """Of [2, N], with the interval of what [2, draws, N] say."""
    coefficients = _pearson(drawn)
    low, high = np.quantile(coefficients[np.isfinite(coefficients)], [0.025, 0.975])
    return Coefficient(float(_pearson(whole)), (float(low), float(high)))


def _ranks(values: np.ndarray) -> np.ndarray:
    """From 1 along the last axis; equal values share the mean of their ranks."""
    mine, others = values[..., :, None], values[..., None, :]
    ranks: np.ndarray = (mine > others).sum(-1) + ((mine == others).sum(-1) + 1) / 2
    return ranks


def _pearson(both: np.ndarray) -> np.ndarray:
    """[2, ..., N] -> [...]; NaN where one of the two is constant."""
    x, y = both - both.mean(-1, keepdims=True)
    varies = np.ptp(both, axis=-1).all(0)  # rounding would leave a constant some variance
    size = np.sqrt((x**2).sum(-1) * (y**2).sum(-1))
    found: np.ndarray = np.where(varies, (x * y).sum(-1) / np.where(varies, size, 1), np.nan)
    return found
