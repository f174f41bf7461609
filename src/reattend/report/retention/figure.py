"""The picture of a table: for each block two maps of what is kept, the first positions, and recency by layer."""

import itertools
from pathlib import Path
from typing import Any

from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator, PercentFormatter

from reattend.report.picture import COLOURS, DASHES, log_scale, picture
from reattend.report.retention.cells import Cell
from reattend.report.retention.numbers import Block, Row, Table

MAP = "viridis"
SCALE = PowerNorm(0.5, 0, 1)  # old positions keep a few percent, which a linear scale would hide
Style = dict[str, Any]


def draw(table: Table, path: Path) -> None:
    """Write all panels as one PNG."""
    with picture(path, width=17, height=0.6 + 3.7 * len(table.blocks)) as figure:
        places = figure.subplots(len(table.blocks), 4, squeeze=False, width_ratios=[1.15, 1.25, 1, 1])
        for axes, block in zip(places, table.blocks, strict=True):
            mapped = table.mapped(block)
            _by_step(axes[0], block, *mapped)
            _by_layer(axes[1], *mapped)
            styles = _styles(block)
            _first_positions(axes[2], block, styles)
            _recency(axes[3], block, styles)


def _styles(block: Block) -> dict[tuple[str, int], Style]:
    """A colour for each row, dashes for its sizes."""
    styles = {}
    for row, colour in zip(block.rows, itertools.cycle(COLOURS), strict=False):
        for size, dash in zip(row.cells, itertools.cycle(DASHES), strict=False):
            styles[row.label, size] = {"color": colour, "linestyle": dash, "linewidth": 1.6}
    return styles


def _by_step(axes: Any, block: Block, row: Row, cell: Cell) -> None:
    """The share of each bin of positions that is kept after each step; what is not read yet is blank."""
    found, sets = cell.record.map, _sets(cell)
    tokens, bins = found["tokens"], len(found["by_step"])
    shares = [
        [
            count / (sets * have) if (have := min((i + 1) * tokens // bins, step) - i * tokens // bins) > 0 else None
            for i, count in enumerate(map(int, line.split()))
        ]
        for step, line in zip(((s + 1) * tokens // bins for s in range(bins)), found["by_step"], strict=True)
    ]
    _map(axes, shares, (0, tokens, tokens, 0))
    axes.set(xlabel="position", ylabel="step", title=f"{block.label}\nkept, {row.label} {cell.size}")


def _by_layer(axes: Any, row: Row, cell: Cell) -> None:
    found, layers = cell.record.map, cell.record.layers
    tokens, bins = found["tokens"], len(found["by_layer"][0].split())
    widths = [(i + 1) * tokens // bins - i * tokens // bins for i in range(bins)]
    shares = [
        [int(n) / (found["chunks"] * len(layer["kept"]) * width) for n, width in zip(line.split(), widths, strict=True)]
        for layer, line in zip(layers, found["by_layer"], strict=True)
    ]
    image = _map(axes, shares, (0, tokens, len(layers) - 0.5, -0.5))
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="position", ylabel="layer", title=f"kept after the last step,\n{row.label} {cell.size}")
    bar = axes.figure.colorbar(image, ax=axes, fraction=0.05, pad=0.03, format=PercentFormatter(1, decimals=0))
    bar.outline.set_visible(False)
    bar.set_label("of a bin's positions")


def _map(axes: Any, shares: list[Any], extent: tuple[float, float, float, float]) -> Any:
    rows = [[float("nan") if share is None else share for share in row] for row in shares]
    axes.grid(visible=False)
    return axes.imshow(rows, cmap=MAP, norm=SCALE, aspect="auto", interpolation="nearest", extent=extent)


def _sets(cell: Cell) -> int:
    """How many sets of entries the maps count, over their chunks."""
    return cell.record.map["chunks"] * sum(len(layer["kept"]) for layer in cell.record.layers)


def _first_positions(axes: Any, block: Block, styles: dict[tuple[str, int], Style]) -> None:
    for row, cell in block.cells:
        axes.plot(cell.first_positions, label=f"{row.label} {cell.size}", **styles[row.label, cell.size])
    log_scale(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(
        xlabel="position", ylabel="steps that attend to it", title="the first positions,\nmean over layers and chunks"
    )


def _recency(axes: Any, block: Block, styles: dict[tuple[str, int], Style]) -> None:
    for row, cell in block.cells:
        shares = [float("nan") if share is None else share for share in cell.layers]
        axes.plot(shares, label=f"{row.label} {cell.size}", **styles[row.label, cell.size])
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="layer", title="share of kept entries\nthat are recent")
    beside = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}  # it would lie on the lines
    axes.legend(frameon=False, fontsize=8, handlelength=3.5, **beside)
