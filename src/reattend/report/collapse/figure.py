"""The picture of a table: layers at the end of training, rows as points, and lambda in the course of training."""

import statistics
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from reattend.report.collapse.claims import coefficient
from reattend.report.collapse.measured import NEGATIVE, POSITIVE, RATIO, by_layer, lambdas
from reattend.report.collapse.numbers import Row, Table
from reattend.report.fences import near_and_far
from reattend.report.picture import COLOURS, picture
from reattend.report.placing import place_names

GREY = "#bdbdbd"


def draw(table: Table, path: Path) -> None:
    """Write the three panels as one PNG."""
    with picture(path, width=14.5, height=4.6) as figure:
        layers, rows, course = figure.subplots(1, 3, gridspec_kw={"width_ratios": [1, 1.5, 1]})
        chosen = _chosen(table)
        _draw_lambdas(course, table, chosen)
        _draw_layers(layers, table, chosen)
        _draw_rows(rows, table, chosen)


def _chosen(table: Table) -> dict[str, tuple[str, str]]:
    """Label -> colour and role: the baseline, the row of the claims, the best and the worst by score."""
    spec = table.spec
    ranked = sorted(table.rows, key=lambda row: row.score, reverse=not spec.lower_is_better)
    baselines = [row for row in ranked if row.scored.row == spec.baseline]
    claimed = [row for row in ranked if row.claimed]
    roles = [
        *((row, "") for row in (*baselines[:1], *claimed[:1])),
        (ranked[0], "best score"),
        (ranked[-1], "worst score"),
    ]
    found: dict[str, tuple[str, str]] = {}
    for (row, role), colour in zip(roles, COLOURS, strict=False):
        earlier = found.get(row.label, (colour, ""))
        found[row.label] = (earlier[0], ", ".join(text for text in (earlier[1], role) if text))
    return found


def _draw_layers(axes: Any, table: Table, chosen: dict[str, tuple[str, str]]) -> None:
    handles = []
    for row in sorted(table.rows, key=lambda row: row.label in chosen):  # the coloured on top
        lines = [by_layer(record, RATIO) for record in row.records if by_layer(record, RATIO)]
        if not lines:
            continue
        mean = [_mean(values) for values in zip(*lines, strict=True)]
        colour, role = chosen.get(row.label, (GREY, ""))
        width = 2.2 if row.label in chosen else 0.9
        axes.plot(range(len(mean)), mean, color=colour, linewidth=width)
        if row.label in chosen:
            label = f"{row.label} ({role})" if role else row.label
            handles.append(Line2D([], [], color=colour, linewidth=width, label=label))
    if len(table.rows) > len(chosen):
        handles.append(Line2D([], [], color=GREY, linewidth=0.9, label="the other rows"))
    axes.set(xlabel="layer (0: the embedded tokens)", ylabel="residual ratio", title="Likeness of tokens, trained")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(handles=handles, fontsize=7.5, edgecolor="none", framealpha=0.8)


def _draw_rows(axes: Any, table: Table, chosen: dict[str, tuple[str, str]]) -> None:
    points = {row.label: (row.ratio.own.mean, row.score) for row in table.rows if row.ratio.own}
    axes.set_ylabel(f"{table.spec.metric_words} ({table.spec.better} is better)")
    found = table.ratio_and_score
    if found:
        axes.set_title(f"Spearman's rho {coefficient(found.spearman)}, over {found.n} rows")
    near, far = near_and_far(points)
    colours = {label: colour for label, (colour, _) in chosen.items()}
    for label, point in near.items():
        axes.plot(*point, marker="o", markersize=6, color=colours.get(label, "#8a8a8a"), linestyle="none")
    axes.margins(0.12)
    told = [f"{label} {y:.3g} at {x:.3f}" for label, (x, y) in far.items()]
    outside = textwrap.fill(f"outside the picture: {'; '.join(told)}", 90) if told else ""
    axes.set_xlabel("\n".join(["residual ratio of the last layer", outside]).rstrip())
    place_names(axes, near, size=7, colours=colours)


def _draw_lambdas(axes: Any, table: Table, chosen: dict[str, tuple[str, str]]) -> None:
    row = next((row for row in table.rows if row.label in chosen and row.claimed), None)
    positive, negative = (_course(row, name) if row else {} for name in (POSITIVE, NEGATIVE))
    if row is None or not positive:
        axes.set_visible(False)
        return
    layers = len(next(iter(positive.values())))
    colours = ListedColormap([colormaps["viridis"](i / layers) for i in range(layers)])  # its end is too light on white
    for layer in range(layers):
        style = {"color": colours(layer), "linewidth": 1.6}
        axes.plot(list(positive), [by[layer] for by in positive.values()], **style)
        if negative != positive:
            axes.plot(list(negative), [by[layer] for by in negative.values()], linestyle="--", **style)
    kind = "" if negative == positive else " (+ solid, - dashed)"
    axes.set(xlabel="step", ylabel=f"lambda{kind}", title=f"Lambda of {row.label}")
    scale = ScalarMappable(BoundaryNorm([i + 0.5 for i in range(layers + 1)], layers), colours)
    axes.figure.colorbar(scale, ax=axes, label="layer", ticks=MaxNLocator(integer=True), aspect=40, pad=0.02)


def _course(row: Row, name: str) -> dict[int, list[float]]:
    """Step -> lambda by layer, the mean of the seeds; the steps that all of them have."""
    seeds = [found for record in row.records if (found := lambdas(record, name))]
    steps = sorted(set.intersection(*(set(one) for one in seeds))) if seeds else []
    return {
        step: [statistics.fmean(each) for each in zip(*(one[step] for one in seeds), strict=True)] for step in steps
    }


def _mean(values: Sequence[float | None]) -> float:
    """NaN, a gap in the line, where a seed has none."""
    return statistics.fmean(float("nan") if value is None else value for value in values)
