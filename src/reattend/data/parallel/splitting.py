"""Splits that share no sentence of either language.

Sentence pairs are the edges of a graph whose nodes are the sentences of both languages. Pairs that hang together,
directly or over others, go to one split; otherwise a test sentence could have been learnt under another translation.
Which split a group goes to follows from a hash of its sentences, not from their order; added pairs move few others.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

LARGEST = 20  # pairs of a group that may leave the train split; greetings have hundreds of translations


def lines_of(path: Path) -> list[str]:
    """The lines of one of our files; other line ends than \\n are part of a line."""
    with path.open(encoding="utf-8", newline="\n") as file:
        return [line[:-1] for line in file]


class Pairs(NamedTuple):
    """Plain text as people write it, a line a sentence."""

    source: list[str]
    target: list[str]

    def take(self, indices: Sequence[int]) -> "Pairs":
        return Pairs([self.source[i] for i in indices], [self.target[i] for i in indices])


def split_apart(pairs: Pairs, *, valid: int, test: int) -> dict[str, Pairs]:
    """Splits of about `valid` and `test` pairs, the rest train; each keeps the order of `pairs`."""
    groups: dict[int, list[int]] = {}
    for i, root in enumerate(_roots(pairs)):
        groups.setdefault(root, []).append(i)
    drawn = sorted((members for members in groups.values() if len(members) <= LARGEST), key=lambda m: _draw(pairs, m))
    chosen: dict[str, list[int]] = {"valid": [], "test": []}
    for split, size in (("test", test), ("valid", valid)):
        while drawn and len(chosen[split]) < size:
            chosen[split] += drawn.pop()
    elsewhere = {*chosen["valid"], *chosen["test"]}
    train = [i for i in range(len(pairs.source)) if i not in elsewhere]
    return {"train": pairs.take(train)} | {split: pairs.take(sorted(chosen[split])) for split in ("valid", "test")}


def _roots(pairs: Pairs) -> list[int]:
    """For each pair the number of the group it belongs to (union-find over sentences)."""
    parent: list[int] = []
    node: dict[tuple[int, str], int] = {}

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def number(side: int, sentence: str) -> int:
        found = node.setdefault((side, sentence), len(parent))
        if found == len(parent):
            parent.append(found)
        return found

    ends = [(number(0, one), number(1, other)) for one, other in zip(*pairs, strict=True)]
    for one, other in ends:
        parent[find(one)] = find(other)
    return [find(one) for one, _ in ends]


def _draw(pairs: Pairs, members: list[int]) -> str:
    text = min(f"{pairs.source[i]}\t{pairs.target[i]}" for i in members)
    return hashlib.sha256(text.encode()).hexdigest()
