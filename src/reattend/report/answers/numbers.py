"""Numbers as the tables and lines of this layout write them."""

from reattend.report.answers.measures import Measure
from reattend.report.sizes.numbers import percent, perplexity
from reattend.report.statistics import Estimate

CLEAR = "\\*"  # the interval leaves out zero


def value(number: float, decimals: int) -> str:
    """`12.34`."""
    return perplexity(number, decimals)


def unit(measure: Measure) -> str:
    """Of a difference."""
    return "%" if measure.as_ratio else "points"


def difference(measure: Measure, found: Estimate, decimals: int) -> str:
    """`-1.20 [-2.10, -0.30]`, of a ratio in percent."""
    if measure.as_ratio:
        return percent(found)
    texts = [f"{round(number, decimals) + 0.0:.{decimals}f}" for number in (found.mean, *(found.interval or ()))]
    return texts[0] if len(texts) == 1 else f"{texts[0]} [{texts[1]}, {texts[2]}]"
