"""Perplexity of a pretrained model: a row for each policy, a column for each size of the state, beside the papers'."""

import functools
from collections.abc import Sequence

from reattend.records.record import EvaluationRecord
from reattend.report.grid import comma_separated
from reattend.report.sizes.figure import draw
from reattend.report.sizes.specification import SizesSpec
from reattend.report.sizes.table import build_table
from reattend.report.sizes.text import markdown, values
from reattend.report.table import LaidOut


class Sizes(SizesSpec):
    """Two grids for each model and text, and a picture with a panel for each."""

    def lay_out(self, records: Sequence[EvaluationRecord]) -> LaidOut:
        table = build_table(self, records)
        return LaidOut(markdown(table), comma_separated(values(table)), functools.partial(draw, table))
