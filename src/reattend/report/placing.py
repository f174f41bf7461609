"""Names beside the points of a scatter plot, so that they cover neither each other nor the points."""

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

RADIUS = 4  # points of the page that a marker takes
DISTANCES = (6, 13, 21, 30)  # from the point to the nearest edge of its name
DIRECTIONS = 16
NEAR = 40  # how far a name may reach: points so near each other compete for room


class Box(NamedTuple):
    """A rectangle of the page, in pixels."""

    left: float
    bottom: float
    right: float
    top: float

    def shared(self, other: "Box") -> float:
        """The area that both cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.top, other.top) - max(self.bottom, other.bottom)
        return max(0.0, width) * max(0.0, height)


def place_names(
    axes: Any, points: Mapping[str, tuple[float, float]], *, size: float, colours: Mapping[str, str]
) -> None:
    """Write each name where it covers the least; the crowded first. The limits of the axes must be final."""
    axes.figure.draw_without_rendering()  # the layout decides where a point is on the page
    scale = axes.figure.dpi / 72
    frame = Box(*axes.bbox.extents)
    places = {name: axes.transData.transform(point).tolist() for name, point in points.items()}
    taken = [_box(place, (0, 0), 2 * RADIUS, 2 * RADIUS, scale) for place in places.values()]
    for name in sorted(places, key=lambda name: (-_neighbours(places[name], places.values(), NEAR * scale), name)):
        text = _write(axes, name, points[name], size=size, colour=colours.get(name, "#333333"))
        extent = text.get_window_extent()
        width, height = extent.width / scale, extent.height / scale
        # a little more than the name takes
        boxes = {by: _box(places[name], by, width + 2, height + 1, scale) for by in _offsets(width, height)}
        best = min(boxes, key=lambda by: _cost(boxes[by], taken, frame))  # the first of equals
        text.set_position(best)
        taken.append(boxes[best])


def _write(axes: Any, name: str, point: tuple[float, float], *, size: float, colour: str) -> Any:
    """The name on its point, and the line that will lead to it."""
    line = {"arrowstyle": "-", "color": "#aaaaaa", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2}
    middle = {"ha": "center", "va": "center", "textcoords": "offset points", "in_layout": False}
    return axes.annotate(name, point, (0, 0), fontsize=size, color=colour, arrowprops=line, **middle)


def _offsets(width: float, height: float) -> Iterator[tuple[float, float]]:
    """Where the middle of a name may lie, the nearest first, and first to the right."""
    for distance, step in itertools.product(DISTANCES, range(DIRECTIONS)):
        angle = 2 * math.pi * step / DIRECTIONS
        x, y = math.cos(angle), math.sin(angle)
        yield x * (distance + width / 2), y * (distance + height / 2)


def _box(place: Sequence[float], offset: tuple[float, float], width: float, height: float, scale: float) -> Box:
    """Around what lies `offset` from `place`; in points but for the place."""
    x, y = place[0] + offset[0] * scale, place[1] + offset[1] * scale
    across, up = width / 2 * scale, height / 2 * scale
    return Box(x - across, y - up, x + across, y + up)


def _cost(box: Box, taken: Sequence[Box], frame: Box) -> float:
    """The area that it shares with others, or has outside the axes, which is worse."""
    outside = box.shared(box) - box.shared(frame)
    return 4 * outside + sum(map(box.shared, taken))


def _neighbours(place: Sequence[float], others: Iterable[Sequence[float]], near: float) -> int:
    return sum(math.dist(place, other) < near for other in others)
