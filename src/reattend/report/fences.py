"""What a picture shows where a few numbers are far from all others and would press these flat."""

import statistics
from collections.abc import Mapping, Sequence

Points = dict[str, tuple[float, float]]
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


def near_and_far(points: Mapping[str, tuple[float, float]]) -> tuple[Points, Points]:
    """The points (x, y) whose y is not far from those of the others, and those where it is."""
    low, high = fences([y for _, y in points.values()]) if points else (0.0, 0.0)
    near = {label: point for label, point in points.items() if low <= point[1] <= high}
    return near, {label: point for label, point in points.items() if label not in near}
