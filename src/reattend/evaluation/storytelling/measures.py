"""What can be measured of a story: its length and repetition, and how likely the full state finds it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from reattend.cache.full import Full
from reattend.metrics.texts import distinct, longest_repeat, repeated
from reattend.models.language import LanguageModel
from reattend.models.reading import begin
from reattend.records import Metric
from reattend.records.stories import Story

MEASURES = {
    "tokens": "tokens",
    "words": "words",
    "ended": "share of stories",
    "untouched": "share of stories",
    "distinct_1": "share of words",
    "distinct_2": "share of pairs of words",
    "repeated_4": "share of 4-grams",
    "longest_repeat": "tokens",
}


def metrics(stories: Sequence[Story]) -> dict[str, Metric]:
    """Means over stories, of those that have the measure; nats are per token of all stories together."""
    found = {}
    for key, unit in MEASURES.items():
        values = [float(story[key]) for story in stories if story[key] is not None]  # type: ignore[literal-required]
        if values:
            found[key] = Metric(sum(values) / len(values), unit, sum(values), len(values))
    tokens = sum(story["tokens"] for story in stories)
    if tokens:
        nats = sum(story["full_nats"] for story in stories)
        found["full_nats_per_token"] = Metric(nats / tokens, "nats per token", nats, tokens)
    return found


def repetition(words: Sequence[str], tokens: Sequence[int]) -> dict[str, Any]:
    """How varied the words are, and how the tokens repeat themselves."""
    return {
        "distinct_1": distinct(words, 1),
        "distinct_2": distinct(words, 2),
        "repeated_4": repeated(tokens, 4),
        "longest_repeat": longest_repeat(tokens),
    }


def under_full(lm: LanguageModel, prompt: Sequence[int], tokens: Sequence[int], *, chunk: int) -> tuple[float, float]:
    """Summed -ln p of a story's tokens with all before them in the state; the bytes of an entry of all layers."""
    reading = begin(lm, Full())
    ids = torch.tensor([*prompt, *tokens])
    nats = 0.0
    for start in range(0, len(ids), chunk):
        logits = reading.read(ids[None, start : start + chunk])[0]  # [C, vocabulary]
        aim = ids[start + 1 : start + 1 + len(logits)].to(logits.device)  # the last token is followed by none
        skipped = max(0, len(prompt) - 1 - start)  # what predicts the prompt
        if skipped < len(aim):
            nats += float(F.cross_entropy(logits[skipped : len(aim)].float(), aim[skipped:], reduction="sum"))
    return nats, reading.kept_bytes() / reading.entries()
