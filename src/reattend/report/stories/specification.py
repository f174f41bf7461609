"""The keys of a table with the layout `stories`."""

from dataclasses import dataclass, field

from reattend.records.identity import dotted
from reattend.records.record import Record
from reattend.records.stories import JudgementRecord, StoriesRecord
from reattend.report.sizes.specification import WithTopline
from reattend.report.table import meets
from reattend.settings import SettingError

SHARES = ("won", "tie", "lost")


@dataclass(frozen=True, kw_only=True)
class PublishedStories:
    """A paper's numbers, shown below ours with our names for its versions and never mixed with them."""

    model: str
    task: str
    source: str
    tokens: dict[str, float]  # mean length by version
    judged: dict[str, list[float]]  # percent won, tied and lost against `against`, by version
    against: str
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for version, shares in self.judged.items():
            if len(shares) != len(SHARES):
                expected = f"{len(SHARES)} numbers: percent {', '.join(SHARES)}"
                raise SettingError(f"published.judged.{version}", shares, expected, "Correct them.")


@dataclass(frozen=True, kw_only=True)
class StoriesSpec(WithTopline):
    """Which stories; judgements belong to the table where both of their sides do."""

    kind = StoriesRecord

    published: list[PublishedStories] = field(default_factory=list)

    def wants(self, record: Record) -> bool:
        if not isinstance(record, JudgementRecord):
            return super().wants(record)
        sides = [dotted(side["config"]) for side in (record.sides["first"], record.sides["second"])]
        return all(meets(side.get(key), wanted) for side in sides for key, wanted in self.select.items())
