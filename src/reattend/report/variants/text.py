"""A table as Markdown for people and as CSV for programs.

The same records give the same bytes: no dates, no order of files, every number rounded as its column is.
"""

from reattend.report.grid import EMPTY, digits, grid
from reattend.report.statistics import Estimate
from reattend.report.variants.legend import legend
from reattend.report.variants.numbers import Row, Table
from reattend.report.variants.rows import row_groups


def markdown(table: Table) -> str:
    """Title, table and the lines that say what its numbers are."""
    spec = table.spec
    heading = [
        ", ".join(row_groups(spec)),
        spec.metric_words,
        f"Δ to {spec.baseline}",
        "parameters",
        "tokens/s",
        "time",
        "memory",
        "published Δ",
    ]
    cells = [heading, *(_cells(row, spec.decimals) for row in table.rows)]
    lines = [f"- {line}" for line in legend(table)]
    return "\n".join([f"**{spec.title}**", "", *grid(cells), "", *lines]) + "\n"


def _cells(row: Row, decimals: int) -> list[str]:
    deviation = EMPTY if row.score.deviation is None else f"{row.score.deviation:.{decimals}f}"
    extra = f" (+{row.extra_percent:.2f} %)" if row.extra else ""
    return [
        row.label,
        f"{row.score.mean:.{decimals}f} ± {deviation} (n={row.score.n})",
        difference(row.difference, decimals),
        f"{row.parameters:,}{extra}",
        f"{row.tokens_per_second:,.0f}",
        ratio(row.time_ratio),
        ratio(row.memory_ratio),
        "; ".join(number.text for number in row.published) or EMPTY,
    ]


def difference(found: Estimate | None, decimals: int) -> str:
    """`-0.02 [-0.04, +0.01], spans zero`."""
    if found is None:
        return EMPTY
    text = f"{found.mean:+.{decimals}f}"
    if found.interval is None:
        return text
    low, high = found.interval
    mark = ", spans zero" if found.spans_zero else ""
    return f"{text} [{low:+.{decimals}f}, {high:+.{decimals}f}]{mark}"


def ratio(value: float | None) -> str:
    """`× 1.20`."""
    return EMPTY if value is None else f"× {value:.2f}"


def values(table: Table) -> list[dict[str, object]]:
    """The numbers alone, six significant digits."""
    return [_values(row) for row in table.rows]


def _values(row: Row) -> dict[str, object]:
    found = row.difference or Estimate(0, float("nan"), None, None)
    low, high = found.interval or (None, None)
    return {
        "row": row.label,
        "n": row.score.n,
        "mean": digits(row.score.mean),
        "sd": digits(row.score.deviation),
        "pairs": found.n,
        "delta": digits(found.mean if found.n else None),
        "delta_low": digits(low),
        "delta_high": digits(high),
        "parameters": row.parameters,
        "extra_percent": digits(row.extra_percent),
        "tokens_per_second": digits(row.tokens_per_second),
        "time_ratio": digits(row.time_ratio),
        "memory_ratio": digits(row.memory_ratio),
        "published": "; ".join(f"{number.value:+g} {number.unit}" for number in row.published),
        "published_support": "; ".join(number.support for number in row.published),
    }
