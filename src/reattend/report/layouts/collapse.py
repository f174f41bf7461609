"""Rank collapse, gradients and score of trained models beside each other, and whether they go together."""

import functools
from collections.abc import Sequence

from reattend.records.record import TrainingRecord
from reattend.report.collapse.figure import draw
from reattend.report.collapse.numbers import build_table
from reattend.report.collapse.specification import CollapseSpec
from reattend.report.collapse.text import markdown, values
from reattend.report.grid import comma_separated
from reattend.report.table import LaidOut


class Collapse(CollapseSpec):
    """One grid with the claims below, and a picture of layers, rows and lambdas."""

    def lay_out(self, records: Sequence[TrainingRecord]) -> LaidOut:
        table = build_table(self, records)
        return LaidOut(markdown(table), comma_separated(values(table)), functools.partial(draw, table))
