"""Names in a scatter plot: none covers another, a point, or the frame."""

import itertools
import math
from pathlib import Path

from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

from reattend.report.picture import picture
from reattend.report.placing import RADIUS, place_names


def test_a_crowd(tmp_path: Path) -> None:
    points = {f"name of {i}": (math.cos(i) * i / 40, math.sin(i) * i / 40) for i in range(16)}
    points |= {"at the right": (2.0, 0.0), "at the top": (0.0, 2.0), "below it": (0.01, 1.98)}
    with picture(tmp_path / "a.png", width=5, height=4) as figure:
        axes = figure.subplots()
        for point in points.values():
            axes.plot(*point, "o")
        place_names(axes, points, size=7, colours={})
        figure.draw_without_rendering()
        texts = [child for child in axes.get_children() if isinstance(child, Annotation)]
        boxes = {text.get_text(): Text.get_window_extent(text) for text in texts}  # without the line to the point
        radius = RADIUS * figure.dpi / 72 / 2
        dots = [axes.transData.transform(point) for point in points.values()]
        frame = axes.bbox
    assert boxes.keys() == points.keys()
    for one, other in itertools.combinations(boxes.values(), 2):
        assert Bbox.intersection(one, other) is None
    for box in boxes.values():
        assert not any(box.x0 < x + radius and x - radius < box.x1 and box.y0 < y < box.y1 for x, y in dots)
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1


def test_a_lone_point_has_its_name_to_the_right(tmp_path: Path) -> None:
    with picture(tmp_path / "a.png", width=5, height=4) as figure:
        axes = figure.subplots()
        axes.set(xlim=(0, 1), ylim=(0, 1))
        place_names(axes, {"alone": (0.5, 0.5)}, size=7, colours={"alone": "#ff0000"})
        (text,) = [child for child in axes.get_children() if isinstance(child, Annotation)]
        assert text.get_text() == "alone" and text.get_color() == "#ff0000"
        assert text.get_position()[0] > RADIUS and text.get_position()[1] == 0
