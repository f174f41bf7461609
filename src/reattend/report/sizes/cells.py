"""One evaluation as a cell: its perplexities, and how far it is above another on the same chunks of text."""

import math
from dataclasses import dataclass
from functools import cached_property

from reattend.records.record import EvaluationRecord, RecordError, Totals, totals
from reattend.report.comparable import weights
from reattend.report.statistics import Estimate, estimate


@dataclass(frozen=True)
class Cell:
    """A policy of one size on one model and text."""

    record: EvaluationRecord
    above: Estimate | None  # log of the ratio of its perplexity to the topline's; None for that itself, or without one

    @cached_property
    def totals(self) -> Totals:
        return totals(self.record.parts)

    @property
    def perplexity(self) -> float:
        return math.exp(self.totals.nats / self.totals.tokens)

    @property
    def word_perplexity(self) -> float:
        return math.exp(self.totals.nats / self.totals.words)

    @property
    def bits_per_byte(self) -> float:
        return self.totals.nats / math.log(2) / self.totals.bytes


def log_ratio(one: EvaluationRecord, other: EvaluationRecord) -> Estimate:
    """ln(perplexity of `one` / perplexity of `other`), with an interval over the chunks, which are paired."""
    pairs = list(zip(one.parts, other.parts, strict=True))
    differences = [(mine["nats"] - base["nats"]) / mine["tokens"] for mine, base in pairs]
    return estimate(differences, weights=[mine["tokens"] for mine, _ in pairs])


def refuse_to_mix(table: str, records: list[EvaluationRecord]) -> None:
    """A RecordError unless all of `records` scored the same chunks of the same texts with the same weights."""
    first = records[0]
    for record in records:
        for what, mine, others in zip(ASPECTS, _aspects(record), _aspects(first), strict=True):
            if mine != others:
                difference = next((pair for pair in zip(mine, others, strict=False) if pair[0] != pair[1]), None)
                found, expected = difference or (f"{len(mine)} of them", len(others))
                problem = f"{what}: {found} but {first.name} has {expected}"
                fix = (
                    f"Their scores cannot stand in one table ({table}): "
                    "rerun one of them with another results_dir or delete its file"
                )
                raise RecordError(record.name, problem, fix)


ASPECTS = ("model", "documents", "chunks")


def _aspects(record: EvaluationRecord) -> tuple[list[str], list[str], list[str]]:
    return (
        weights(record),
        [f"{text['title']!r} with sha256 {text['sha256']}" for text in record.data["documents"]],
        [f"{part['tokens']} tokens from {part['start']} of {part['document']!r}" for part in record.parts],
    )
