"""The picture of a table: how far each row is from the baseline on each test set, seeds, mean and interval."""

from pathlib import Path
from typing import Any

from reattend.report.picture import COLOURS, picture
from reattend.report.translations.numbers import Block, Table

FEW = "nothing to compare with {} yet"


def draw(table: Table, path: Path) -> None:
    """Write a panel for each test set as one PNG."""
    tallest = max(len(block.rows) for block in table.blocks)
    across = len(table.blocks)
    with picture(path, width=1.5 + 4 * across, height=1.4 + 0.45 * tallest) as figure:
        for axes, block in zip(figure.subplots(1, across, squeeze=False)[0], table.blocks, strict=True):
            _draw_block(axes, table, block)


def _draw_block(axes: Any, table: Table, block: Block) -> None:
    baseline = table.spec.baseline
    rows = [row for row in block.rows if row.difference]
    axes.set(title=block.label, xlabel=f"sacreBLEU above {baseline}")
    if not rows:
        axes.set(xticks=[], yticks=[])
        axes.text(0.5, 0.5, FEW.format(baseline), transform=axes.transAxes, ha="center", va="center")
        return
    axes.axvline(0, color="#666666", linewidth=1)
    for i, row in enumerate(rows):
        colour = COLOURS[i % len(COLOURS)]
        assert row.difference is not None
        if row.difference.interval:
            axes.hlines(i, *row.difference.interval, color=colour, linewidth=2)
        seeds = [one.value for one in row.by_seed.values()]
        axes.plot(seeds, [i] * len(seeds), "|", color=colour, markersize=9)
        axes.plot([row.difference.mean], [i], "o", color=colour, markersize=7)
    axes.set_yticks(range(len(rows)), labels=[row.label for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.margins(x=0.1)
