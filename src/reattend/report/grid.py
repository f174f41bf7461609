"""Markdown tables that can be read in a terminal too, CSV, and numbers as both write them."""

import csv
import io
from collections.abc import Mapping, Sequence

EMPTY = "-"


def grid(cells: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table, the first row its heading, padded to equal columns."""
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


def comma_separated(rows: Sequence[Mapping[str, object]]) -> str:
    """The rows as CSV under the keys of the first."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def short(value: object) -> str:
    """`0.25`, and `4e-03` for what is small."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return str(value)
    if value == 0 or abs(value) >= 0.01:
        return f"{value:g}"
    mantissa, _, exponent = f"{value:.5e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{exponent}"


def digits(value: float | None) -> str:
    """Six significant digits; nothing for what is not known."""
    return "" if value is None else f"{value:.6g}"
