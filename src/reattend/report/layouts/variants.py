"""Trained models beside each other: a row for each variant over its seeds, compared with a baseline."""

import functools
from collections.abc import Sequence

from reattend.records.record import TrainingRecord
from reattend.report.grid import comma_separated
from reattend.report.table import LaidOut
from reattend.report.variants.figure import draw
from reattend.report.variants.numbers import build_table
from reattend.report.variants.specification import VariantsSpec
from reattend.report.variants.text import markdown, values


class Variants(VariantsSpec):
    """One grid, and a picture of learning and cost."""

    def lay_out(self, records: Sequence[TrainingRecord]) -> LaidOut:
        table = build_table(self, records)
        return LaidOut(markdown(table), comma_separated(values(table)), functools.partial(draw, table))
