"""The keys of a table with the layout `translations`."""

from dataclasses import dataclass, field

from reattend.records.record import TranslationRecord
from reattend.report.of_training import OfTrainingSpec
from reattend.report.variants.specification import Published


@dataclass(frozen=True, kw_only=True)
class TranslationsSpec(OfTrainingSpec):
    """Which rows, beside which published numbers."""

    kind = TranslationRecord

    decimals: int = 2
    published: list[Published] = field(default_factory=list)
