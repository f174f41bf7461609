"""One record of what a state keeps, as a cell: means over entries, with intervals over chunks of text."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from reattend.records.record import totals
from reattend.records.retention import RetentionPart, RetentionRecord
from reattend.report.statistics import Estimate, estimate


@dataclass(frozen=True)
class Cell:
    """A policy of one size on one model and text."""

    record: RetentionRecord
    size: int

    @property
    def residence(self) -> Estimate:
        """Steps that attend to an entry."""
        return self._steps(self._mean(lambda part: part["steps"], _entries))

    @property
    def one_a_step(self) -> float:
        """The same of any policy that lets one entry go at each step: sum_t min(t, k + 1) over the tokens."""
        parts = self.record.parts
        return sum(steps(part["read"], self.size) for part in parts) / sum(part["read"] for part in parts)

    @property
    def recency(self) -> Estimate | None:
        """The share of kept entries that are among the last `size`; None where no chunk fills the state."""
        filled = [part for part in self.record.parts if part["kept"]]
        return _share_of(_ratio(filled, lambda part: part["recent"], lambda part: part["kept"])) if filled else None

    @property
    def at_once(self) -> Estimate:
        """The share of entries that leave in the step in which they come."""
        return _share_of(self._mean(lambda part: part["at_once"], _entries))

    @property
    def first(self) -> Estimate:
        """Steps that attend to the first entry."""
        return self._steps(self._mean(lambda part: part["first"], lambda part: part["sets"]))

    @property
    def perplexity(self) -> float:
        found = totals(self.record.parts)
        return math.exp(found.nats / found.tokens)

    @cached_property
    def tokens_of(self) -> dict[str, int]:
        """How many tokens each part of speech has."""
        found: dict[str, int] = {}
        for part in self.record.parts:
            for tag in part["tags"]:
                found[tag] = found.get(tag, 0) + _of_tag(part, tag)[0]
        return found

    def tag(self, tag: str) -> Estimate | None:
        """Steps that attend to a token of that part of speech; None where there is none."""
        having = [part for part in self.record.parts if tag in part["tags"]]
        if not having:
            return None
        found = _ratio(having, lambda part: _of_tag(part, tag)[1], lambda part: _of_tag(part, tag)[0] * part["sets"])
        return self._steps(found)

    @property
    def first_positions(self) -> list[float]:
        """Steps that attend to each of the first positions."""
        return [total / count for total, count in zip(self.record.first, self.record.first_of, strict=True)]

    @property
    def stayed(self) -> list[float]:
        """The share of sets that kept each of them to the end."""
        return [total / count for total, count in zip(self.record.stayed, self.record.first_of, strict=True)]

    @property
    def layers(self) -> list[float | None]:
        """The recency share of each layer."""
        return [_share(sum(layer["recent"]), sum(layer["kept"])) for layer in self.record.layers]

    @property
    def sets(self) -> list[list[float | None]]:
        """The recency share of each set of entries, by layer."""
        return [
            [_share(recent, kept) for recent, kept in zip(layer["recent"], layer["kept"], strict=True)]
            for layer in self.record.layers
        ]

    def _steps(self, found: Estimate) -> Estimate:
        """An entry is attended at its own step at least, and at all of a chunk at most."""
        return _clipped(found, 1, max(part["read"] for part in self.record.parts))

    def _mean(self, total: Callable[[RetentionPart], float], count: Callable[[RetentionPart], float]) -> Estimate:
        return _ratio(self.record.parts, total, count)


def steps(tokens: int, size: int) -> int:
    """sum_{t=1..T} min(t, k + 1), the steps that attend to anything where one entry leaves at each step."""
    growing = min(tokens, size + 1)
    return growing * (growing + 1) // 2 + (tokens - growing) * (size + 1)


def _ratio(
    parts: Sequence[RetentionPart],
    total: Callable[[RetentionPart], float],
    count: Callable[[RetentionPart], float],
) -> Estimate:
    counts = [count(part) for part in parts]
    return estimate([total(part) / n for part, n in zip(parts, counts, strict=True)], weights=counts)


def _share_of(found: Estimate) -> Estimate:
    return _clipped(found, 0, 1)


def _clipped(found: Estimate, low: float, high: float) -> Estimate:
    """With few chunks the interval of a mean would leave what is possible."""
    if found.interval is None:
        return found
    return replace(found, interval=(max(low, found.interval[0]), min(high, found.interval[1])))


def _entries(part: RetentionPart) -> int:
    return part["read"] * part["sets"]


def _of_tag(part: RetentionPart, tag: str) -> tuple[int, int]:
    tokens, total = part["tags"][tag].split()
    return int(tokens), int(total)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
