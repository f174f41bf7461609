"""What a picture shows where a few numbers are far from all others and would press these flat."""

import statistics
from collections.abc import Sequence

FAR = 3  # interquartile ranges beyond the quartiles: Tukey's outer fences
FEWEST = 4  # numbers that have quartiles


def fences(values: Sequence[float]) -> tuple[float, float]:
    """The lowest and the highest of `values` that are not far from the others."""
    if len(values) < FEWEST:
        return min(values), max(values)
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    reach = FAR * (third - first)
    near = [value for value in values if first - reach <= value <= third + reach]
    return min(near), max(near)
