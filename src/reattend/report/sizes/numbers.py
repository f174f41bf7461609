"""Numbers as the tables and lines of this layout write them."""

import math
from collections.abc import Sequence

from reattend.report.statistics import Estimate

TENFOLD = math.log(10)
NAMED = 8  # texts; more are counted


def perplexity(value: float, decimals: int) -> str:
    """`24.31`, and `4,812` from a thousand on."""
    return f"{value:.{decimals}f}" if value < 1000 else f"{value:,.0f}"


def percent(log_ratio: Estimate) -> str:
    """`5.21 [4.10, 6.32]` percent above; from tenfold on the ratio itself, `× 118 [98, 142]`."""
    values = [log_ratio.mean, *(log_ratio.interval or ())]
    if log_ratio.mean < TENFOLD:
        percents = [100 * math.expm1(value) for value in values]
        decimals = 2 - min(2, len(f"{abs(percents[0]):.0f}") - 1)  # three digits in all
        texts = [f"{round(value, decimals) + 0.0:,.{decimals}f}" for value in percents]  # + 0.0: no minus before a zero
    else:
        texts = [f"{math.exp(value):,.0f}" for value in values]
        texts[0] = f"× {texts[0]}"
    return texts[0] if len(texts) == 1 else f"{texts[0]} [{', '.join(texts[1:])}]"


def size_name(size: int | None) -> str:
    """`64`; `unbounded` for a policy that keeps everything."""
    return "unbounded" if size is None else str(size)


def named_texts(titles: Sequence[str], *, most: int = NAMED) -> str:
    """`Emma; Persuasion`, or `31 texts`."""
    return "; ".join(titles) if len(titles) <= most else f"{len(titles)} texts"


def listed(things: Sequence[object]) -> str:
    """`64, 128 and 256`."""
    *most, last = map(str, things) if things else ["none"]
    return f"{', '.join(most)} and {last}" if most else last
