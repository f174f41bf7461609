"""A table as Markdown for people and as CSV for programs.

The same records give the same bytes: no dates, no order of files, every number rounded as its column is.
"""

import csv
import io

from reattend.report.legend import legend
from reattend.report.statistics import Estimate
from reattend.report.table import Row, Table

EMPTY = "-"


def markdown(table: Table) -> str:
    """Title, table and the lines that say what its numbers are."""
    spec = table.spec
    heading = [
        spec.rows.partition(".")[0],
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
    return "\n".join([f"**{spec.title}**", "", *_grid(cells), "", *lines]) + "\n"


def _grid(cells: list[list[str]]) -> list[str]:
    """Markdown rows, padded so that they can be read in a terminal too."""
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    padded = [
        [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        for row in cells
    ]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return ["| " + " | ".join(row) + " |" for row in [padded[0], rule, *padded[1:]]]


def _cells(row: Row, decimals: int) -> list[str]:
    deviation = EMPTY if row.score.deviation is None else f"{row.score.deviation:.{decimals}f}"
    extra = f" (+{row.extra_percent:.2f} %)" if row.extra else ""
    return [
        row.label,
        f"{row.score.mean:.{decimals}f} ± {deviation} (n={row.score.n})",
        _difference(row.difference, decimals),
        f"{row.parameters:,}{extra}",
        f"{row.tokens_per_second:,.0f}",
        _ratio(row.time_ratio),
        _ratio(row.memory_ratio),
        "; ".join(number.text for number in row.published) or EMPTY,
    ]


def _difference(difference: Estimate | None, decimals: int) -> str:
    if difference is None:
        return EMPTY
    text = f"{difference.mean:+.{decimals}f}"
    if difference.interval is None:
        return text
    low, high = difference.interval
    mark = ", spans zero" if difference.spans_zero else ""
    return f"{text} [{low:+.{decimals}f}, {high:+.{decimals}f}]{mark}"


def _ratio(value: float | None) -> str:
    return EMPTY if value is None else f"× {value:.2f}"


def comma_separated(table: Table) -> str:
    """The numbers alone, one row a line, six significant digits."""
    text = io.StringIO()
    rows = [_values(row) for row in table.rows]
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _values(row: Row) -> dict[str, object]:
    difference = row.difference or Estimate(0, float("nan"), None, None)
    low, high = difference.interval or (None, None)
    return {
        "row": row.label,
        "n": row.score.n,
        "mean": _digits(row.score.mean),
        "sd": _digits(row.score.deviation),
        "pairs": difference.n,
        "delta": _digits(difference.mean if difference.n else None),
        "delta_low": _digits(low),
        "delta_high": _digits(high),
        "parameters": row.parameters,
        "extra_percent": _digits(row.extra_percent),
        "tokens_per_second": _digits(row.tokens_per_second),
        "time_ratio": _digits(row.time_ratio),
        "memory_ratio": _digits(row.memory_ratio),
        "published": "; ".join(f"{number.value:+g} {number.unit}" for number in row.published),
        "published_support": "; ".join(number.support for number in row.published),
    }


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
