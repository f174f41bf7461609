"""The picture of a long table: how far each row is from the baseline, and what its quality costs."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.lines import Line2D

from reattend.report.fences import fences, near_and_far
from reattend.report.picture import COLOURS, picture
from reattend.report.placing import place_names
from reattend.report.statistics import Estimate
from reattend.report.variants.numbers import Row, Table, value_of

BETTER, WORSE, OPEN = COLOURS[0], COLOURS[1], "#707070"
MARGIN = 0.06  # of an axis, on both sides
LINE, NO_BREAK = 78, "\u00a0"  # characters below the right panel
BELOW = 0.3  # of a row's height: the seeds would be lost in their interval


def draw(table: Table, path: Path) -> None:
    """Write the two panels as one PNG."""
    compared = [row for row in table.rows if row.difference]
    compared.sort(key=lambda row: _gain(table, row), reverse=True)
    with picture(path, width=13, height=max(5.0, 1.6 + 0.26 * len(compared))) as figure:
        left, right = figure.subplots(1, 2, gridspec_kw={"wspace": 0.04, "width_ratios": [1, 1.15]})
        _draw_differences(left, table, compared)
        figure.legend(handles=_handles(table), loc="outside lower center", ncols=5, frameon=False, fontsize=8)
        _draw_costs(right, table)


def _gain(table: Table, row: Row) -> float:
    assert row.difference is not None
    return -row.difference.mean if table.spec.lower_is_better else row.difference.mean


def _colour(table: Table, row: Row) -> str:
    """Blue or orange where the sign is known."""
    if row.difference is None or not row.difference.is_clear:
        return OPEN
    return BETTER if _gain(table, row) > 0 else WORSE


def _draw_differences(axes: Any, table: Table, rows: Sequence[Row]) -> None:
    spec = table.spec
    axes.set_title(f"Difference to {spec.baseline}, paired by seed")
    axes.set_xlabel(f"Δ {spec.metric_words} ({spec.better} is better)")
    axes.axvline(0, color="black", linewidth=1)
    axes.set_yticks(range(len(rows)), labels=[row.label for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    if not rows:
        axes.text(0.5, 0.5, "nothing to compare yet", transform=axes.transAxes, ha="center", va="center")
        return
    seeds = {row.label: [value_of(spec, mine) - value_of(spec, base) for mine, base in row.pairs] for row in rows}
    low, high = fences([0.0, *(value for row in rows if row.difference for value in _extent(row.difference))])
    inside = [value for values in seeds.values() for value in values if low <= value <= high]
    margin = MARGIN * (high - low) or 1.0
    axes.set_xlim(min([low, *inside]) - margin, max([high, *inside]) + margin)
    for i, row in enumerate(rows):
        assert row.difference is not None
        _draw_row(axes, i, row.difference, seeds[row.label], colour=_colour(table, row), decimals=spec.decimals)


def _extent(found: Estimate) -> list[float]:
    """Intervals count too: they say how fine the differences are that matter."""
    return [found.mean, *(found.interval or ())]


def _draw_row(axes: Any, i: int, found: Estimate, seeds: Sequence[float], *, colour: str, decimals: int) -> None:
    low, high = axes.get_xlim()
    if not low <= found.mean <= high:  # too far away: an arrow and the number
        right = found.mean > high
        axes.plot([high if right else low], [i], ">" if right else "<", color=colour, markersize=7, clip_on=False)
        place = {"xytext": (-9 if right else 9, 0), "textcoords": "offset points", "va": "center", "fontsize": 8}
        text = f"{found.mean:+.{decimals}f}"
        axes.annotate(text, ((high if right else low), i), ha="right" if right else "left", color=colour, **place)
        return
    if found.interval:
        axes.hlines(i, *found.interval, color=colour, linewidth=1.6)  # cut off at the frame where it is wider
        axes.plot(seeds, [i + BELOW] * len(seeds), "o", color=colour, markersize=3, markeredgewidth=0)
    axes.plot([found.mean], [i], color=colour, **_marker(found))


def _marker(found: Estimate) -> dict[str, Any]:
    if found.interval is None:
        return {"marker": "x", "markersize": 6, "linestyle": "none"}
    filled = {} if not found.spans_zero else {"markerfacecolor": "white"}
    return {"marker": "o", "markersize": 7, "linestyle": "none", "markeredgewidth": 1.5} | filled


def _handles(table: Table) -> list[Line2D]:
    """What the marks mean, of those that are there."""
    found = [row.difference for row in table.rows if row.difference]
    style: dict[str, Any] = {"color": "black", "linestyle": "none"}
    marks = []
    if any(one.is_clear for one in found):
        marks.append(Line2D([], [], marker="o", markersize=7, label="95 % interval leaves out zero", **style))
    if any(one.spans_zero for one in found):
        hollow: dict[str, Any] = {"markerfacecolor": "white", "markeredgewidth": 1.5}
        marks.append(Line2D([], [], marker="o", markersize=7, label="spans zero", **hollow, **style))
    if any(one.interval is None for one in found):
        marks.append(Line2D([], [], marker="x", markersize=6, label="one seed, no interval", **style))
    if any(one.interval for one in found):
        marks.append(Line2D([], [], marker="o", markersize=3, label="a seed", **style))
    return marks


def _draw_costs(axes: Any, table: Table) -> None:
    spec = table.spec
    several = any(row.score.n > 1 for row in table.rows)
    axes.set_title("Cost and quality" + " (mean of the seeds)" * several)
    axes.set_ylabel(f"{spec.metric_words} ({spec.better} is better)")
    points = {row.label: (1000 * row.costs.step_seconds, row.score.mean) for row in table.rows if row.costs}
    if not points:
        axes.text(0.5, 0.5, "no run was timed yet", transform=axes.transAxes, ha="center", va="center")
        return
    near, far = near_and_far(points)
    low, high = (end(score for _, score in near.values()) for end in (min, max))
    times = [time for time, _ in points.values()]
    width, height = max(times) - min(times) or 1.0, high - low or 1.0
    axes.set_xlim(min(times) - 2 * MARGIN * width, max(times) + 2 * MARGIN * width)
    axes.set_ylim(low - MARGIN * height, high + MARGIN * height)
    colours = {row.label: "black" if row.row == spec.baseline else _colour(table, row) for row in table.rows}
    for label, (time, score) in near.items():
        axes.plot([time], [score], "o", color=colours[label], markersize=6)
    told = [f"{label} {y:.{spec.decimals}f} at {x:,.0f} ms".replace(" ", NO_BREAK) for label, (x, y) in far.items()]
    note = textwrap.fill(f"far above or below: {', '.join(told)}", LINE) if told else ""
    axes.set_xlabel("\n".join(["time per step in ms, of the quickest stretch", *[note] * bool(told)]))
    place_names(axes, near, size=7.5, colours=colours)
