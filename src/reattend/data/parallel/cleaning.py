"""Sentence pairs that are too long, too short or too unequal leave, as clean-corpus-n.perl of mosesdecoder decides.

It works on lines of tokens: blanks are made single, `|` goes (unless the first pair has one: then tokens are taken for
factored ones). Deviation: a token with an empty factor costs its pair; Moses stops there.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import regex  # type: ignore[import-untyped]

LONGEST_TOKEN = 1000  # characters

_BLANKS = regex.compile(r"\p{White_Space}+")
_TOO_LONG_TOKEN = regex.compile(rf"[^\p{{White_Space}}|]{{{LONGEST_TOKEN + 1}}}")
_EMPTY_FACTOR = regex.compile(r"[ |]\|")


@dataclass(frozen=True)
class Cleaned:
    """What is left; `kept` says which pairs they were, `dropped` how many went for which reason."""

    source: list[str]
    target: list[str]
    kept: list[int]
    dropped: dict[str, int]


def clean(source: Sequence[str], target: Sequence[str], *, ratio: float, shortest: int, longest: int) -> Cleaned:
    """`ratio`: of the numbers of tokens, the longer side to the shorter; a pair goes for its first fault."""
    factored = any("|" in line for line in (*source[:1], *target[:1]))
    kept: list[int] = []
    sides: tuple[list[str], list[str]] = [], []
    dropped: Counter[str] = Counter()
    for i, pair in enumerate(zip(source, target, strict=True)):
        lines = [_tidy(line, factored=factored) for line in pair]
        if fault := _fault(lines, ratio=ratio, shortest=shortest, longest=longest):
            dropped[fault] += 1
            continue
        kept.append(i)
        for side, line in zip(sides, lines, strict=True):
            side.append(line)
    return Cleaned(*sides, kept, dict(dropped))


def _tidy(line: str, *, factored: bool) -> str:
    return _BLANKS.sub(" ", line if factored else line.replace("|", "")).strip(" ")


def _fault(lines: Sequence[str], *, ratio: float, shortest: int, longest: int) -> str | None:
    if not all(lines):
        return "empty"
    few, many = sorted(line.count(" ") + 1 for line in lines)
    if many > longest:
        return "too long"
    if few < shortest:
        return "too short"
    if many / few > ratio:
        return "too unequal"
    if any(_TOO_LONG_TOKEN.search(line) for line in lines):
        return "a token too long"
    return "an empty factor" if any(map(_EMPTY_FACTOR.search, lines)) else None
