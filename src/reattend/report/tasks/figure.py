"""The picture of a table: a map of rows and tasks, blue where a row is better than the baseline."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Patch, Rectangle

from reattend.report.fences import fences
from reattend.report.picture import picture
from reattend.report.statistics import Estimate
from reattend.report.tasks.legend import heading
from reattend.report.tasks.numbers import Row, Table
from reattend.report.tasks.specification import Column

COLOURS = colormaps["RdBu"]
DARK = 0.62  # of the scale: from here on text is white
MISSING = "#f2f2f2"
HATCH = "////"


def draw(table: Table, path: Path) -> None:
    """Write the map as one PNG."""
    rows = [row for row in table.rows if any(cell.change for cell in row.cells.values())]
    columns = [column for column, _ in table.tasks]
    gains = {
        (i, j): (column, cell.change)
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
        if (cell := row.cells.get(column.title)) and cell.change
    }
    wide = 0.075 * max((len(row.label) for row in rows), default=0)
    with picture(path, width=2.6 + wide + 1.3 * len(columns), height=1.7 + 0.34 * max(3, len(rows))) as figure:
        axes = figure.subplots()
        axes.set_title(table.spec.title, pad=10)
        _describe(axes, rows, columns)
        if not gains:
            axes.text(0.5, 0.5, "nothing to compare yet", transform=axes.transAxes, ha="center", va="center")
            return
        scale = _scale([_gain(column, change) for column, change in gains.values()])
        for i in range(len(rows)):
            for j in range(len(columns)):
                _draw_cell(axes, (i, j), gains.get((i, j)), scale=scale, decimals=table.spec.decimals)
        _draw_key(figure, axes, table, scale, [_gain(*found) for found in gains.values()])


def _gain(column: Column, change: Estimate) -> float:
    """Percent by which a row is better than the baseline."""
    return -change.mean if column.lower_is_better else change.mean


def _scale(gains: Sequence[float]) -> Normalize:
    """Zero in the middle; what is far from all others gets the colour of the ends."""
    reach = max(map(abs, fences([0.0, *gains]))) or 1.0
    return Normalize(-reach, reach, clip=True)


def _describe(axes: Any, rows: Sequence[Row], columns: Sequence[Column]) -> None:
    axes.set_xticks(range(len(columns)), labels=map(heading, columns))
    axes.set_yticks(range(len(rows)), labels=[row.label for row in rows])
    axes.set_xlim(-0.5, len(columns) - 0.5)
    axes.set_ylim(max(len(rows), 1) - 0.5, -0.5)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)


def _draw_cell(
    axes: Any, place: tuple[int, int], found: tuple[Column, Estimate] | None, *, scale: Normalize, decimals: int
) -> None:
    i, j = place
    box: dict[str, Any] = {"xy": (j - 0.5, i - 0.5), "width": 1, "height": 1, "linewidth": 1.5, "edgecolor": "white"}
    if found is None:
        axes.add_patch(Rectangle(**box, facecolor=MISSING))
        return
    column, change = found
    at = float(scale(_gain(column, change)))
    axes.add_patch(Rectangle(**box, facecolor=COLOURS(at)))
    if change.interval is None:
        axes.add_patch(
            Rectangle(**(box | {"linewidth": 0, "edgecolor": "#ffffff"}), fill=False, hatch=HATCH, alpha=0.6)
        )
    axes.text(
        j,
        i,
        f"{change.mean:+.{decimals}f} %{' *' if change.is_clear else ''}",
        ha="center",
        va="center",
        weight="bold" if change.is_clear else "normal",
        color="white" if abs(2 * at - 1) > DARK else "black",
    )


def _draw_key(figure: Any, axes: Any, table: Table, scale: Normalize, gains: Sequence[float]) -> None:
    assert scale.vmin is not None and scale.vmax is not None
    below, above = min(gains) < scale.vmin, max(gains) > scale.vmax
    extend = {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}
    bar = figure.colorbar(
        ScalarMappable(scale, COLOURS), ax=axes, extend=extend[below, above], fraction=0.05, aspect=30, pad=0.03
    )
    bar.set_label(f"% better than {table.spec.baseline}\n(below zero: worse)")  # a short bar has no room for one line
    bar.outline.set_visible(False)
    handles = [Patch(facecolor="none", edgecolor="none", label="* and bold: the 95 % interval leaves out zero")]
    if any(cell.change and cell.change.interval is None for row in table.rows for cell in row.cells.values()):
        handles.append(Patch(facecolor="#c9d6df", edgecolor="white", hatch=HATCH, label="one seed, no interval"))
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
