"""What a set of questions holds, against what is published of its splits."""

from collections.abc import Mapping
from typing import NamedTuple


class Counts(NamedTuple):
    """Of a split, or of a file."""

    documents: int
    questions: int
    references: int


Known = Mapping[str, int]  # those of `Counts` that are published of a split


def others(counts: Counts, known: Known) -> list[tuple[str, int, int]]:
    """The names of the counts that are not the published ones, with either number."""
    sides = [(name, counts._asdict()[name], number) for name, number in known.items()]
    return [(name, found, number) for name, found, number in sides if found != number]


def fitting(counts: Counts, splits: Mapping[str, Known]) -> str | None:
    """The split that has these counts; one of which none are published fits no file."""
    return next((split for split, known in splits.items() if known and not others(counts, known)), None)
