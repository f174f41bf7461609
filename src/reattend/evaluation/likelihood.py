"""Score a split of the text that a model was trained on, in one of three ways to read it.

block     Windows of W tokens side by side: a token's input has 0 to W - 1 tokens before it.
sliding   Windows of W every S < W tokens, each of which scores what the one before has not: all inputs but those of
          the first window have at least W - S tokens before them (fairseq's `--context-window`); S = 1: W - 1.
memory    One stream: each layer attends to the M tokens before the input and to the input itself (policy=window), so
          that n layers see up to n M tokens back. Transformer-XL's `same_length` (arXiv 1901.02860) counts the input
          among its M and carries the state over in segments; here the result does not depend on how it is cut.

Scores of two ways cannot be compared: a block's tokens have the least before them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reattend.evaluation.base import Task
from reattend.evaluation.on_checkpoint import OnCheckpoint, completed
from reattend.evaluation.unfinished import forget
from reattend.jobs import once
from reattend.metrics.likelihood import Likelihood
from reattend.records import EvaluationRecord
from reattend.settings import SettingError, at_least


@dataclass(frozen=True, kw_only=True)
class Settings(OnCheckpoint):
    """The keys of the task."""

    window: int | None
    stride: int | None
    memory: int | None
    limit: int | None
    beyond_context: bool
    chunk: int
    progress: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Settings":
        values = cls.values(config)
        for key in ("window", "stride", "memory", "limit", "chunk", "threads"):
            at_least(key, values[key], 1)
        for key in ("window", "stride"):
            if values["memory"] is not None and values[key] is not None:
                expected = "null with a memory: a stream has no windows"
                raise SettingError(key, values[key], expected, f"Leave out {key}, or memory.")
        return cls(**values)


class SplitLikelihood(Task):
    def __init__(self) -> None:
        """Its options are keys of the whole configuration: `window=512`."""

    def run(self, config: Mapping[str, Any]) -> str:
        settings = Settings.of(config)
        kept = settings.language_model()
        whole = completed(config, kept["config"])

        def work(name: str, folder: Path) -> EvaluationRecord:
            from reattend.evaluation.scoring.splits import score

            return score(whole, settings, kept, name=name, folder=folder)

        record = once(whole, EvaluationRecord, work, keeps="unfinished", clean=forget)
        settings.refuse_changed(record.lm["sha256"], record=record.name)
        return summary(record)


def summary(record: EvaluationRecord) -> str:
    """A few lines on a record: of what, read in which way, and the scores."""
    (document,), data = record.data["documents"], record.data
    scores = []
    if word := record.metrics.get("nats_per_word"):
        scores.append(f"PPL/word {Likelihood(word.sum, word.count).perplexity():,.2f}")
    if byte := record.metrics.get("bits_per_byte"):
        scores.append(f"bits/byte {byte.value:.4f}")
    which = (
        ""
        if record.config["limit"] is None
        else ", evenly spread"
        if record.config["memory"] is None
        else ", the first"
    )
    return "\n".join(
        [
            f"{record.lm['name']} ({record.lm['parameters']:,} parameters) on {document['title']} of {data['name']}",
            f"  {in_words(record.config, layers=record.config['model']['layers'])}",
            f"  {record.metrics['nats_per_token'].count:,} of {document['tokens']:,} {data['unit']}s scored"
            f"{which}: {', '.join(scores)}; {record.timing['tokens_per_second']:,.0f} tokens/s",
        ]
    )


def in_words(config: Mapping[str, Any], *, layers: int) -> str:
    """The way of reading, as a legend of a table would say it."""
    memory, context = config["memory"], config["data"]["context"]
    if memory is not None:
        return f"one stream, memory of {memory:,}: through {layers} layers up to {layers * memory:,} before an input"
    window = config["window"] or context
    stride = config["stride"] or window
    if stride == window:
        return f"windows of {window:,} side by side: an input has 0 to {window - 1:,} before it"
    some = "exactly" if stride == 1 else "at least"
    return (
        f"sliding windows of {window:,}, stride {stride:,}: "
        f"every token but the first window's has {some} {window - stride:,} before its input"
    )
