"""Tokens/s within one budget, as bars relative to the full cache."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reattend.records.bench import BenchRecord
from reattend.report.picture import COLOURS, picture
from reattend.report.throughput.text import about, label

PEER, OURS = "#9a9a9a", COLOURS[0]
TITLE = 64  # characters of a line above a panel
ROOM = 1.7  # for what is written beside the longest bar


def draw(records: Sequence[BenchRecord], path: Path) -> None:
    """A panel for each record, written as one PNG."""
    most = max(len(record.result["sides"]) for record in records)
    with picture(path, width=7.5, height=len(records) * (1.0 + 0.32 * most)) as figure:
        for axes, record in zip(figure.subplots(len(records), squeeze=False)[:, 0], records, strict=True):
            _draw_bars(axes, record.result)
            axes.set_title(textwrap.fill(about(record), TITLE), fontsize=10)
        axes.set_xlabel("tokens/s of the largest batch over the full cache's")


def _draw_bars(axes: Any, result: Mapping[str, Any]) -> None:
    sides: Sequence[Mapping[str, Any]] = result["sides"]
    gains = [side["over_full"] for side in sides]
    lowest, highest = zip(*(side["over_full_range"] for side in sides), strict=True)
    around = [
        [gain - low for gain, low in zip(gains, lowest, strict=True)],
        [high - gain for gain, high in zip(gains, highest, strict=True)],
    ]
    colours = [PEER if side["name"].startswith("transformers") else OURS for side in sides]
    several = {"xerr": around, "error_kw": {"linewidth": 0.8, "capsize": 2}} if result["rounds"] > 1 else {}
    axes.barh(range(len(sides)), gains, color=colours, **several)
    for i, (side, high) in enumerate(zip(sides, highest, strict=True)):
        text = f"{side['batch']:,} sequences, {side['tokens_per_second']:,.0f} tokens/s"
        axes.annotate(text, (max(1.0, high), i), (5, 0), textcoords="offset points", va="center", fontsize=8)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(range(len(sides)), labels=[label(side) for side in sides])
    axes.invert_yaxis()
    axes.set_xlim(0, ROOM * max(1.0, *highest))
    axes.grid(visible=False, axis="y")
