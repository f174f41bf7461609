"""A table as Markdown for people and as CSV for programs; the same records give the same bytes."""

from collections.abc import Callable

from reattend.report.estimates import ends
from reattend.report.grid import EMPTY, digits, grid
from reattend.report.tasks.legend import heading, legend
from reattend.report.tasks.numbers import Cell, Row, Table
from reattend.report.tasks.specification import Column
from reattend.report.variants.cells import choice, chosen_values, difference, score
from reattend.report.variants.rows import row_groups


def markdown(table: Table) -> str:
    """Title, the grid of changes, that of chosen values where there are such, and the lines that say what they are."""
    spec = table.spec

    def change(column: Column, row: Row, cell: Cell) -> str:
        if row.is_baseline:
            return score(cell.score, column.decimals)
        return f"{difference(cell.change, spec.decimals)} (n={cell.change.n})" if cell.change else EMPTY

    lines = [f"**{spec.title}**", "", *_grid(table, ", ".join(row_groups(spec)), change), ""]
    best = next((task.spec.best for _, task in table.tasks if task.spec.best), None)
    if best:
        lines += [*_grid(table, best.words, lambda column, row, cell: choice(cell.choice)), ""]
    return "\n".join([*lines, *(f"- {line}" for line in legend(table))]) + "\n"


def _grid(table: Table, corner: str, text: Callable[[Column, Row, Cell], str]) -> list[str]:
    """A line for each row and a column for each task; empty where a row was not trained."""
    columns = [column for column, _ in table.tasks]
    cells = [[corner, *map(heading, columns)]]
    for row in table.rows:
        found = [(column, row.cells.get(column.title)) for column in columns]
        cells.append([row.label, *(text(column, row, cell) if cell else "" for column, cell in found)])
    return grid(cells)


def values(table: Table) -> list[dict[str, object]]:
    """A line for each cell, six significant digits."""
    return [
        {"row": row.label, "task": column.title, "metric": column.metric}
        | _values(row.cells[column.title])
        | chosen_values(task.spec.best, row.cells[column.title].choice)
        for row in table.rows
        for column, task in table.tasks
        if column.title in row.cells
    ]


def _values(cell: Cell) -> dict[str, object]:
    mean, low, high = ends(cell.change)
    return {
        "n": cell.score.n,
        "mean": digits(cell.score.mean),
        "sd": digits(cell.score.deviation),
        "pairs": cell.change.n if cell.change else 0,
        "percent": digits(mean),
        "percent_low": digits(low),
        "percent_high": digits(high),
    }
