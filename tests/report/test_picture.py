"""The marks of a logarithmic axis."""

import pytest
from matplotlib.figure import Figure

from reattend.report.picture import log_scale


@pytest.mark.parametrize(
    ("low", "high", "least"),
    [(40, 130, 3), (48, 53, 3), (1, 900, 6), (0.9, 1.4, 3)],
)
def test_a_short_axis_has_several_plain_marks(low: float, high: float, least: int) -> None:
    axes = Figure().subplots()
    axes.plot([low, high])
    log_scale(axes)
    axes.set_ylim(low, high)
    marks = [mark for mark in axes.get_yticks() if low <= mark <= high]
    assert least <= len(marks) <= 12
    assert all(len(f"{mark:g}") <= 4 for mark in marks)
