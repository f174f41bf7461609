"""Translation models on test sets: a row for each variant over its seeds, every kind of BLEU in a column of its own."""

import functools
from collections.abc import Sequence

from reattend.records.record import TranslationRecord
from reattend.report.grid import comma_separated
from reattend.report.table import LaidOut
from reattend.report.translations.figure import draw
from reattend.report.translations.numbers import build_table
from reattend.report.translations.specification import TranslationsSpec
from reattend.report.translations.text import markdown, values


class Translations(TranslationsSpec):
    """One grid for each test set, and a picture of the differences."""

    def lay_out(self, records: Sequence[TranslationRecord]) -> LaidOut:
        table = build_table(self, records)
        return LaidOut(markdown(table), comma_separated(values(table)), functools.partial(draw, table))
