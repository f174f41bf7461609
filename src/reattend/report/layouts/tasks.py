"""The same variants on several tasks: a row for each variant, a column for each task."""

import functools
from collections.abc import Sequence

from reattend.records.record import TrainingRecord
from reattend.report.grid import comma_separated
from reattend.report.table import LaidOut
from reattend.report.tasks.figure import draw
from reattend.report.tasks.numbers import build_table
from reattend.report.tasks.specification import TasksSpec
from reattend.report.tasks.text import markdown, values


class Tasks(TasksSpec):
    """One grid of changes in percent, and a map of them."""

    def lay_out(self, records: Sequence[TrainingRecord]) -> LaidOut:
        table = build_table(self, records)
        return LaidOut(markdown(table), comma_separated(values(table)), functools.partial(draw, table))
