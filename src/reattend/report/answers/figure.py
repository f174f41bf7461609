"""The picture of a table: each measure against the size of the state, a panel for each block and measure."""

from pathlib import Path

from reattend.report.answers.measures import Measure
from reattend.report.answers.table import Block, Table
from reattend.report.picture import picture
from reattend.report.sizes.figure import Panel, draw_lines, name_lines, panel_of, styles


def draw(table: Table, path: Path) -> None:
    """Write all panels as one PNG: a line of them for each block."""
    rows = [[(block, measure, _panel(block, measure)) for measure in block.measures] for block in table.blocks]
    how = styles([panel for row in rows for _, _, panel in row], table.spec.order)
    across = max(1, *(len(row) for row in rows))
    with picture(path, width=2 + 3.7 * across, height=0.4 + 3.8 * len(rows)) as figure:
        places = figure.subplots(len(rows), across, squeeze=False)
        for line, row in zip(places, rows, strict=True):
            for axes, (_, measure, panel) in zip(line, row, strict=False):
                draw_lines(axes, panel, how)
                axes.set_ylabel(f"{measure.title}, {'higher' if measure.higher else 'lower'} is better")
            for axes in line[len(row) :]:
                axes.set_visible(False)
        name_lines(figure, how)


def _panel(block: Block, measure: Measure) -> Panel:
    rows = {row.label: {size: cell.value(measure) for size, cell in row.cells.items()} for row in block.rows}
    return panel_of(block.label, rows)
