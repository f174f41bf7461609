"""The keys of a table with the layout `answers`."""

from dataclasses import dataclass, field
from typing import Any

from reattend.records.answers import AnswersRecord
from reattend.report.answers.measures import MEASURES
from reattend.report.sizes.specification import WithTopline
from reattend.settings import SettingError


@dataclass(frozen=True, kw_only=True)
class AnswersSpec(WithTopline):
    """What is compared with what."""

    kind = AnswersRecord

    measures: list[str]  # a grid for each, the task's own score first
    claim: dict[str, Any] = field(default_factory=dict)  # dotted settings of the rows whose standing is put in words
    decimals: int = 2
    published: list[str] = field(default_factory=list)  # what a paper says in words or shows in a plot alone

    def __post_init__(self) -> None:
        super().__post_init__()
        for measure in self.measures:
            if measure not in MEASURES:
                expected = f"names out of {', '.join(MEASURES)}"
                raise SettingError(f"table.{self.name}.measures", measure, expected, "Correct the list.")
