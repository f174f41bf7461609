"""The picture of a table: likeness of tokens in each stack, and gradients, by layer: the paper's Fig. 4."""

import math
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from reattend.report.layers.numbers import COSINE, GRADIENTS, RATIO, STACKS, WHEN, Measure, Row, Table
from reattend.report.layers.specification import MOST
from reattend.report.picture import COLOURS, log_scale, picture

COLLAPSED = 0.1  # a ratio below it is seen on a logarithmic scale alone
DASHES = {"initial": (0, (3, 1.5)), "trained": "-"}


def draw(table: Table, path: Path) -> None:
    """Write all panels as one PNG."""
    rows = _drawn(table)
    with picture(path, width=13, height=8.4) as figure:
        likeness, cosines, gradients = figure.subplots(3, len(STACKS))
        for places, quantity in ((likeness, RATIO), (cosines, COSINE)):
            places[0].set_ylabel(quantity.replace("_", " "))
            for axes, stack in zip(places, STACKS, strict=True):
                _draw_panel(axes, rows, stack, quantity)
        for axes, stack in zip(likeness, STACKS, strict=True):
            axes.set_title(stack.replace("_", " "))
        gradients[0].set_ylabel("norm of the gradient")
        for axes, quantity in zip(gradients, GRADIENTS, strict=False):
            _draw_panel(axes, rows, STACKS[0], quantity)
            axes.set_title(f"W_{quantity.partition('_')[2][0].upper()}, {STACKS[0]}")
        figure.supxlabel("layer (0: the embedded tokens)", fontsize=9)
        gradients[-1].axis("off")
        gradients[-1].legend(handles=_handles(rows), loc="center", frameon=False, handlelength=3)


def left_out(table: Table) -> list[str]:
    """The rows that the picture does not show."""
    shown = {row.label for row in _drawn(table)}
    return [row.label for row in table.rows if row.label not in shown]


def _drawn(table: Table) -> list[Row]:
    """The rows that `drawn` names, in its order, as many as can be told apart."""
    names = table.spec.drawn
    rows = [row for row in table.rows if row.row in names]
    return sorted(rows, key=lambda row: names.index(row.row))[:MOST]


def _draw_panel(axes: Any, rows: Sequence[Row], stack: str, quantity: str) -> None:
    measures = [Measure(when, stack, quantity) for when in WHEN]
    values = [value for row in rows for measure in measures for value in _every(row, measure)]
    logarithmic = quantity in GRADIENTS or (quantity == RATIO and 0 < min(values, default=1) < COLLAPSED)
    for row, colour in zip(rows, COLOURS, strict=False):
        for measure in measures:
            layers = row.layers(measure)
            bands = [_band(row.seeds(measure, layer), logarithmic) for layer in layers]
            if bands:
                low, middle, high = zip(*bands, strict=True)
                axes.plot(layers, middle, color=colour, linestyle=DASHES[measure.when], linewidth=1.6)
                axes.fill_between(layers, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if logarithmic:
        log_scale(axes)


def _every(row: Row, measure: Measure) -> Iterable[float]:
    return (value for layer in row.layers(measure) for value in row.seeds(measure, layer))


def _band(values: Sequence[float], logarithmic: bool) -> tuple[float, float, float]:
    """Mean less deviation, mean, mean and deviation, of the logarithms where the scale is theirs; NaN is a gap."""
    known = [math.log(value) if logarithmic else value for value in values if value > 0 or not logarithmic]
    if not known:
        return math.nan, math.nan, math.nan
    mean, deviation = statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else 0.0
    low, middle, high = (math.exp(x) if logarithmic else x for x in (mean - deviation, mean, mean + deviation))
    return low, middle, high


def _handles(rows: Sequence[Row]) -> list[Any]:
    colours = [
        Line2D([], [], color=colour, linewidth=2.5, label=row.label) for row, colour in zip(rows, COLOURS, strict=False)
    ]
    whens = [Line2D([], [], color="#333333", linestyle=dash, label=when) for when, dash in DASHES.items()]
    several = any(len(row.members) > 1 for row in rows)
    return [*colours, *whens, *([Patch(color="#333333", alpha=0.18, label="± sd over seeds")] if several else [])]
