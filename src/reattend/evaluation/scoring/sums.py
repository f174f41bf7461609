"""What a record says of its parts together: metrics, the largest state, and how long it took."""

from typing import Any

from reattend.evaluation.under_policy import largest
from reattend.metrics.likelihood import Likelihood
from reattend.records import Clock, Metric, totals
from reattend.records.record import Part


def of_parts(parts: list[Part], clock: Clock) -> dict[str, Any]:
    """What a record says of its parts together, beside the metrics."""
    seconds = sum(part["seconds"] for part in parts)
    return {
        "state": largest(parts),
        "timing": {
            **clock.read(),
            "evaluation_seconds": seconds,
            "tokens_per_second": sum(part["tokens"] for part in parts) / seconds,
        },
    }


def metrics(parts: list[Part]) -> dict[str, Metric]:
    """Means over all parts, each with its sum and count."""
    sums = totals(parts)
    nats, bits = sums.nats, Likelihood(sums.nats, sums.tokens).bits
    found = {"nats_per_token": Metric(nats / sums.tokens, "nats per token", nats, sums.tokens)}
    if sums.words:
        found["nats_per_word"] = Metric(nats / sums.words, "nats per word", nats, sums.words)
    if sums.bytes:
        found["bits_per_byte"] = Metric(bits / sums.bytes, "bits per byte", bits, sums.bytes)
    return found
