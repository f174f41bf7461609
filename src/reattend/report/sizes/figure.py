"""The picture of a table: perplexity against size of the state, a panel for each block and each paper."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from reattend.report.picture import COLOURS, DASHES, MARKERS, picture
from reattend.report.sizes.numbers import perplexity
from reattend.report.sizes.specification import PublishedSizes
from reattend.report.sizes.table import Block, Table

TALLEST = 2.0  # times the lowest perplexity: what lies above has lost the text, and would press the others flat
ACROSS = 3  # panels side by side
VEIL = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1}


@dataclass(frozen=True)
class Panel:
    """What one panel shows."""

    title: str
    lines: Mapping[str, Mapping[int, float]]  # label -> size -> perplexity
    unbounded: Mapping[str, float]

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest perplexity that are drawn."""
        values = [value for line in self.lines.values() for value in line.values()] + list(self.unbounded.values())
        return min(values), min(max(values), TALLEST * min(values))


def panel_of(title: str, rows: Mapping[str, Mapping[int | None, float]]) -> Panel:
    """A line for each row that has sizes; a level one for what is at None, where nothing bounds the state."""
    lines = {label: {size: v for size, v in values.items() if size is not None} for label, values in rows.items()}
    unbounded = {label: values[None] for label, values in rows.items() if None in values}
    return Panel(title, {label: line for label, line in lines.items() if line}, unbounded)


def draw(table: Table, path: Path) -> None:
    """Write all panels as one PNG."""
    panels = [*map(_ours, table.blocks), *map(_theirs, table.spec.published)]
    how = styles(panels, table.spec.order)
    down = math.ceil(len(panels) / ACROSS)
    across = math.ceil(len(panels) / down)
    with picture(path, width=2 + 3.7 * across, height=0.4 + 3.8 * down) as figure:
        places = figure.subplots(down, across, squeeze=False).flatten()
        for axes, panel in zip(places, panels, strict=False):
            _draw_panel(axes, panel, how)
        for axes in places[len(panels) :]:
            axes.set_visible(False)
        name_lines(figure, how)


def _ours(block: Block) -> Panel:
    rows = {row.label: {size: cell.perplexity for size, cell in row.cells.items()} for row in block.rows}
    return panel_of(block.label, rows)


def _theirs(paper: PublishedSizes) -> Panel:
    lines = {row: dict(zip(paper.sizes, values, strict=True)) for row, values in paper.rows.items()}
    return Panel(f"{paper.model}, published", lines, {"full": paper.full})


def styles(panels: Sequence[Panel], order: Sequence[str]) -> dict[str, dict[str, Any]]:
    """A colour for each policy, the same in every picture; dashes and markers tell its variants apart."""
    unbounded = dict.fromkeys(label for panel in panels for label in panel.unbounded)
    styles: dict[str, dict[str, Any]] = {
        label: {"color": "#666666", "linestyle": dash, "linewidth": 1.3}
        for label, dash in zip(unbounded, itertools.cycle((*DASHES[1:], "-")), strict=False)
    }
    variants: dict[str, list[str]] = {policy: [] for policy in order}
    for label in dict.fromkeys(label for panel in panels for label in panel.lines):
        variants.setdefault(label.partition(" ")[0], []).append(label)
    for colour, labels in zip(itertools.cycle(COLOURS), variants.values(), strict=False):
        for label, dash, marker in zip(labels, itertools.cycle(DASHES), itertools.cycle(MARKERS), strict=False):
            styles[label] = {"color": colour, "linestyle": dash, "marker": marker, "linewidth": 1.6}
    return styles


def name_lines(figure: Any, styles: Mapping[str, dict[str, Any]]) -> None:
    """The legend of all panels, at their right."""
    handles = [Line2D([], [], label=label, markersize=4, **style) for label, style in styles.items()]
    figure.legend(handles=handles, loc="outside right center", frameon=False, handlelength=3.5)


def draw_lines(axes: Any, panel: Panel, styles: Mapping[str, dict[str, Any]]) -> None:
    """The rows of a panel against the size of the state."""
    for label, value in panel.unbounded.items():
        axes.axhline(value, **styles[label])
    for label, line in panel.lines.items():
        axes.plot(list(line), list(line.values()), markersize=4, **styles[label])
    axes.set(xlabel="size of the state (entries a layer keeps)", title=panel.title)
    sizes = sorted({size for line in panel.lines.values() for size in line})
    if sizes:
        axes.set_xscale("log", base=2)
    axes.set_xticks(sizes, labels=map(str, sizes))
    axes.xaxis.set_minor_locator(NullLocator())


def _draw_panel(axes: Any, panel: Panel, styles: Mapping[str, dict[str, Any]]) -> None:
    draw_lines(axes, panel, styles)
    low, top = panel.range
    margin = 0.04 * (top - low) or 1
    axes.set_ylim(low - margin, top + margin)
    axes.set_ylabel("perplexity per token")
    peaks = {label: max(line.values()) for label, line in panel.lines.items()}
    above = [f"{label} {perplexity(peak, 0)}" for label, peak in peaks.items() if peak > top]
    if above:
        note = "above the picture, up to:\n" + "\n".join(above)
        axes.text(0.98, 0.97, note, transform=axes.transAxes, ha="right", va="top", fontsize=7, bbox=VEIL)
