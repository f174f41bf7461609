"""A table as Markdown for people and as CSV for programs.

The same records give the same bytes: no dates, no order of files, every number rounded as its column is.
"""

from reattend.report.estimates import ends
from reattend.report.grid import digits, grid
from reattend.report.variants.cells import extra_percent
from reattend.report.variants.columns import shown
from reattend.report.variants.legend import legend
from reattend.report.variants.numbers import Row, Table
from reattend.report.variants.rows import row_groups


def markdown(table: Table) -> str:
    """Title, table and the lines that say what its numbers are."""
    spec = table.spec
    columns = shown(table)
    heading = [", ".join(row_groups(spec)), *(column.heading(spec) for column in columns)]
    cells = [heading, *([row.label, *(column.cell(spec, row) for column in columns)] for row in table.rows)]
    lines = [f"- {line}" for line in legend(table)]
    return "\n".join([f"**{spec.title}**", "", *grid(cells), "", *lines]) + "\n"


def values(table: Table) -> list[dict[str, object]]:
    """The numbers alone, six significant digits."""
    columns = shown(table)
    return [
        _values(row) | {key: value for column in columns for key, value in column.values(table.spec, row).items()}
        for row in table.rows
    ]


def _values(row: Row) -> dict[str, object]:
    mean, low, high = ends(row.difference)
    return {
        "row": row.label,
        "n": row.score.n,
        "mean": digits(row.score.mean),
        "sd": digits(row.score.deviation),
        "pairs": row.difference.n if row.difference else 0,
        "delta": digits(mean),
        "delta_low": digits(low),
        "delta_high": digits(high),
        "parameters": row.parameters,
        "extra_percent": digits(extra_percent(row.parameters, row.extra)),
        "tokens_per_second": digits(row.costs.tokens_per_second if row.costs else None),
        "time_ratio": digits(row.costs.time_ratio if row.costs else None),
        "memory_ratio": digits(row.costs.memory_ratio if row.costs else None),
        "published": "; ".join(f"{number.value:+g} {number.unit}" for number in row.published),
        "published_support": "; ".join(number.support for number in row.published),
    }
