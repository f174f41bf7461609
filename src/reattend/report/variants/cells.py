"""Numbers as the cells of a table, in words that all layouts over seeds share."""

from reattend.report.grid import EMPTY, short
from reattend.report.statistics import Estimate
from reattend.report.variants.best import Best
from reattend.report.variants.rows import Choice


def choice(found: Choice | None) -> str:
    """`4e-03 of 3`, the value and of how many tried, and whether it is the lowest or the highest of them."""
    if found is None:
        return EMPTY
    return f"{short(found.value)} of {len(found.tried)}{', edge' if found.at_edge else ''}"


def score(found: Estimate, decimals: int) -> str:
    """`2.5300 ± 0.0361 (n=3)`."""
    deviation = EMPTY if found.deviation is None else f"{found.deviation:.{decimals}f}"
    return f"{found.mean:.{decimals}f} ± {deviation} (n={found.n})"


def difference(found: Estimate | None, decimals: int) -> str:
    """`-0.02 [-0.04, +0.01], spans zero`."""
    return EMPTY if found is None else signed(found.mean, found.interval, decimals)


def signed(value: float, interval: tuple[float, float] | None, decimals: int) -> str:
    """Any number that may be above or below zero, as `difference` writes one."""
    text = f"{value:+.{decimals}f}"
    if interval is None:
        return text
    low, high = interval
    mark = ", spans zero" if low <= 0 <= high else ""
    return f"{text} [{low:+.{decimals}f}, {high:+.{decimals}f}]{mark}"


def ratio(value: float | None) -> str:
    """`× 1.20`."""
    return EMPTY if value is None else f"× {value:.2f}"


def parameters(total: int, extra: int) -> str:
    """`808,000 (+1.00 %)`: how many, and what a mechanism or a control has added."""
    return f"{total:,}" + (f" (+{extra_percent(total, extra):.2f} %)" if extra else "")


def extra_percent(total: int, extra: int) -> float:
    """What a mechanism or a control has added, in percent of the model without."""
    return 100 * extra / (total - extra)


def chosen_values(best: Best | None, found: Choice | None) -> dict[str, object]:
    """What was chosen, under the setting's own name."""
    if best is None:
        return {}
    name = best.words.replace(" ", "_")
    if found is None:
        return {name: "", f"{name}_tried": "", f"{name}_seeds": ""}
    return {name: found.value, f"{name}_tried": " ".join(map(str, found.tried)), f"{name}_seeds": found.seeds}
