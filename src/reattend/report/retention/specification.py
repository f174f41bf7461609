"""The keys of a table with the layout `retention`."""

from dataclasses import dataclass, field
from typing import Any

from reattend.records.retention import RetentionRecord
from reattend.report.sizes.specification import BySize, one_for_each_size


@dataclass(frozen=True, kw_only=True)
class PublishedTags:
    """A paper's table: mean steps that attend to a token, by part of speech and size of the state."""

    model: str
    task: str
    source: str
    sizes: list[int]
    mean: list[float]  # over all tokens
    rows: dict[str, list[float]]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        one_for_each_size("published.rows", {"mean": self.mean, **self.rows}, self.sizes)


@dataclass(frozen=True, kw_only=True)
class RetentionSpec(BySize):
    """What is compared with what."""

    kind = RetentionRecord

    tagged: dict[str, Any] = field(default_factory=dict)  # dotted settings of the rows listed by part of speech
    fewest: int = 20  # tokens of a part of speech that is listed; the CSV has all
    mapped: dict[str, Any] = field(default_factory=dict)  # dotted settings of the run whose maps are drawn
    published: list[PublishedTags] = field(default_factory=list)
