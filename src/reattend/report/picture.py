"""What the pictures of all layouts share: style, colours, and a file that is equal for equal records.

Drawn without pyplot: no window system, no global state, and half the start-up time.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullLocator

# Okabe and Ito's palette for colour-blind readers too; dashes let a curve under another show through
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v")
DASHES = ("-", (0, (4, 1.5)), (0, (1.5, 1)), (0, (6, 1, 1, 1)))
DPI = 150
STYLE = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
}


@contextmanager
def picture(path: Path, *, width: float, height: float) -> Iterator[Figure]:
    """A figure of that many inches to draw on, written to `path` as PNG in the end."""
    with rc_context(STYLE):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        yield figure
        # matplotlib's version in the file would make equal pictures differ
        canvas.print_figure(path, dpi=DPI, format="png", metadata={"Software": None})


class _Marks(LogLocator):
    """1, 2, 5, 10; on a short axis, where these would be one or two, more of each decade or round numbers."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        for subs in ((1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
            self.set_params(subs=subs)
            found = super().tick_values(vmin, vmax)
            if sum(vmin <= mark <= vmax for mark in found) >= 3:
                return found
        return MaxNLocator(nbins=5, steps=[1, 2, 5, 10]).tick_values(vmin, vmax)


def log_scale(axes: Any) -> None:
    """A logarithmic y axis whose marks are plain numbers: 1, 2, 5, 10."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(_Marks())
    axes.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.yaxis.set_minor_locator(NullLocator())
