"""Perplexity of long texts under a cache policy (arXiv 2401.06104, section 5.1).

A text is cut into chunks of `context` tokens, 4,096 in the paper, each read from an empty state; null reads it as one
unbroken stream. All tokens of a chunk but its first are scored by what the state says before they come:

    perplexity per token = exp(sum of -ln p / tokens),   per word = exp(the same sum / words),   bits per byte likewise

Whole texts are tokenised, so chunks share their tokenisation whatever their length. The paper says neither how it
treats a text's last, shorter chunk (`tail`) nor whether a chunk begins with a token that marks the start (`bos`).
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from reattend.evaluation.base import Task
from reattend.evaluation.under_policy import check_keys, in_words, named, policy_of
from reattend.evaluation.unfinished import forget
from reattend.jobs import once
from reattend.records import EvaluationRecord, totals
from reattend.settings import SettingError, at_least


class Perplexity(Task):
    def __init__(
        self,
        *,
        context: int | None,
        tail: Literal["keep", "drop"] = "keep",
        bos: bool = False,
        beyond_context: bool = False,
        short: Literal["keep", "drop"] = "keep",
    ) -> None:
        at_least("task.context", context, 2)
        self.context, self.tail, self.bos, self.beyond_context = context, tail, bos, beyond_context
        self.short = short

    def run(self, config: Mapping[str, Any]) -> str:
        check_keys(config, max_tokens=2)

        def work(name: str, folder: Path) -> EvaluationRecord:  # imports torch, which a finished one does without
            policy = policy_of(config)  # a mistake is told before anything is loaded
            from reattend.evaluation.scoring.texts import score

            return score(self, config, policy, name=name, folder=folder)

        return summary(once(config, EvaluationRecord, work, keeps="unfinished", clean=forget))

    def long_enough(self, lengths: Sequence[int], max_tokens: int | None) -> list[int]:
        """The numbers of the texts that are read, of all that have so many tokens."""
        least = 0 if self.short == "keep" else max_tokens
        if least is None:
            fix = "Set max_tokens, or task.short=keep."
            raise SettingError("task.short", "drop", "keep where max_tokens does not say what is short", fix)
        found = [i for i, length in enumerate(lengths) if length >= least]
        if not found:
            expected = f"at most {max(lengths):,}, the tokens of the longest text, with task.short=drop"
            raise SettingError("max_tokens", least, expected, "Lower max_tokens, or read longer texts.")
        return found

    def pieces(self, tokens: int) -> Iterator[range]:
        """The chunks of a text of that many tokens, each of two at least."""
        length = tokens if self.context is None else self.context
        for start in range(0, tokens, length):
            piece = range(start, min(start + length, tokens))
            if len(piece) >= 2 and (len(piece) == length or self.tail == "keep" or start == 0):
                yield piece

    def refuse_beyond(self, longest: int, context: int | None) -> None:
        """A model knows positions up to its context only; a longer chunk is read if that is asked for."""
        if context is not None and longest + self.bos > context and not self.beyond_context:
            raise SettingError(
                "task.context",
                self.context if self.context is not None else "null",
                f"at most {context - self.bos}, as the model was made for {context} positions; "
                f"the longest chunk has {longest} tokens",
                "Lower task.context, or set task.beyond_context=true to read on all the same.",
            )


def summary(record: EvaluationRecord) -> str:
    """A few lines on a record, a line a text."""
    lines = [named(record)]
    titles = [document["title"] for document in record.data["documents"]]
    width = max(8, *(min(40, len(title)) for title in titles))
    head = f"{'chunks':>7} {'tokens':>9} {'PPL/token':>10} {'PPL/word':>10} {'bits/byte':>10}"
    lines.append(f"  {'text':<{width}} {head}")
    for title in titles:
        lines.append(_line(title, [part for part in record.parts if part["document"] == title], width))
    if len(titles) > 1:
        lines.append(_line("all", record.parts, width))
    lines.append(f"  {record.timing['tokens_per_second']:,.0f} tokens/s; {in_words(record.state)}")
    return "\n".join(lines)


def _line(title: str, parts: list[Any], width: int) -> str:
    from reattend.metrics.likelihood import Likelihood

    if not parts:
        return f"  {title[:width]:<{width}} {0:>7} (shorter than two tokens)"
    sums = totals(parts)
    whole, words = Likelihood(sums.nats, sums.tokens), Likelihood(sums.nats, max(1, sums.words))
    bits = whole.bits / max(1, sums.bytes)
    return (
        f"  {title[:width]:<{width}} {len(parts):>7} {whole.count:>9,} {whole.perplexity():>10,.2f} "
        f"{words.perplexity():>10,.1f} {bits:>10.4f}"
    )
