"""Beam search, with the rules of fairseq's SequenceGenerator.

At each step the 2K best candidates of a sentence's K lines are looked at, best first. An EOS among the first K ends a
hypothesis; the K best of the others go on. A sentence is done with K hypotheses, or at its longest length, where
every line ends. Hypotheses are ranked by ln p / length^length_penalty, where EOS counts.
Deviation from fairseq: the longest length, max_length_a * S + max_length_b, follows from the sentence's own S tokens,
there from the longest of its batch; so a sentence's result does not depend on its company.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from reattend.data.parallel.dictionary import EOS
from reattend.decoding.base import Hypothesis, Search
from reattend.decoding.lanes import Lanes, Unknown
from reattend.models.encoder_decoder import EncoderDecoder
from reattend.settings import SettingError, at_least

LEAVE = 1 / 8  # of a batch's sentences: when so many are done, the others go on without them, which copies their state

ROWS = 16  # in which logits are laid out to find the highest


@dataclass(frozen=True, kw_only=True)
class Beam(Search):
    """beam=1 is greedy search."""

    beam: int = 5
    length_penalty: float = 1.0  # 0: the most probable hypothesis; above: longer ones
    max_length_a: float = 1.2
    max_length_b: int = 10
    n_best: int = 1
    unknown: Unknown = "keep"

    def __post_init__(self) -> None:
        at_least("beam", self.beam, 1)
        at_least("max_length_a", self.max_length_a, 0)
        at_least("max_length_b", self.max_length_b, 1)
        at_least("n_best", self.n_best, 1)
        if self.n_best > self.beam:
            raise SettingError("n_best", self.n_best, f"at most beam={self.beam}", "Lower n_best or raise beam.")

    @property
    def lanes(self) -> int:
        return self.beam

    def __call__(self, model: EncoderDecoder, source: Tensor, *, numbers: Sequence[int] = ()) -> list[list[Hypothesis]]:
        return _Run(self, model, source).hypotheses()


def beam_search(model: EncoderDecoder, source: Tensor, **options: Any) -> list[list[Hypothesis]]:
    """[sentence][n_best] of `source` [B, S], right-padded; `options` are those of `Beam`."""
    return Beam(**options)(model, source)


class _Run:
    """One batch on its way."""

    def __init__(self, options: Beam, model: EncoderDecoder, source: Tensor) -> None:
        self.options, self.finished = options, [list[Hypothesis]() for _ in source]
        self.rows = list(range(len(source)))  # which sentence each row of the batch is
        with torch.inference_mode():
            self.lanes = Lanes(
                model,
                source,
                lanes=options.beam,
                max_length_a=options.max_length_a,
                max_length_b=options.max_length_b,
                unknown=options.unknown,
            )
            self.tokens = source.new_full((len(source), options.beam), EOS)  # [N, K], as the next two
            self.parents = torch.arange(options.beam, device=source.device).expand_as(self.tokens)
            self.scores = torch.full(self.tokens.shape, -torch.inf, device=source.device)
            self.scores[:, 0] = 0  # the lines are still alike: the first alone goes on

    @torch.inference_mode()
    def hypotheses(self) -> list[list[Hypothesis]]:
        while self.rows:
            logits, total = self.lanes.read(self.tokens, self.parents)
            best, tokens, parents = candidates(logits, self.scores - total, 2 * self.options.beam)
            ends = tokens == EOS
            self._finish(best, ends, parents)
            others = ends.to(torch.uint8).argsort(dim=1, stable=True)[:, : self.options.beam]
            self.scores = best.gather(1, others).masked_fill(ends.gather(1, others), -torch.inf)
            self.tokens, self.parents = tokens.gather(1, others), parents.gather(1, others)
            self._leave()
        return [sorted(each, key=lambda one: -one.score)[: self.options.n_best] for each in self.finished]

    def _finish(self, best: Tensor, ends: Tensor, parents: Tensor) -> None:
        """Keep the hypotheses that end now, while a sentence lacks some."""
        beam, length = self.options.beam, self.lanes.steps
        found = (ends & best.isfinite())[:, :beam].nonzero()
        if not len(found):
            return
        rows, columns = found.T
        lines = self.lanes.lines(rows, parents[rows, columns])
        for row, tokens, log_p in zip(rows.tolist(), lines, best[rows, columns].tolist(), strict=True):
            hypotheses = self.finished[self.rows[row]]
            if len(hypotheses) < beam:
                hypotheses.append(Hypothesis(tokens, log_p / length**self.options.length_penalty, log_p))

    def _leave(self) -> None:
        """Drop the sentences that are done, once they are many."""
        closing, dead = self.lanes.closing(), (self.scores[:, 0] == -torch.inf).tolist()
        full = [len(self.finished[sentence]) == self.options.beam for sentence in self.rows]
        going = [row for row, done in enumerate(zip(closing, dead, full, strict=True)) if not any(done)]
        if going and len(going) > (1 - LEAVE) * len(self.rows):
            return
        self.rows = [self.rows[row] for row in going]
        if going:
            self.lanes.select(going)
            self.scores, self.tokens, self.parents = (x[going] for x in (self.scores, self.tokens, self.parents))


def candidates(logits: Tensor, offsets: Tensor, count: int) -> tuple[Tensor, Tensor, Tensor]:
    """The `count` best of offsets [N, K] + logits [N, K, V], best first: sums, tokens and lines, each [N, count].

    They are among the `count` best of each line, so that the logits are read once and never rewritten.
    """
    values, indices = highest(logits, min(count, logits.shape[2]))
    sums, index = (values + offsets[..., None]).flatten(1).topk(min(count, values[0].numel()), dim=-1)
    return sums, indices.flatten(1).gather(1, index), index // values.shape[2]


def highest(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """x.topk(count) of [N, K, V], faster: they lie in the `count` columns of highest maximum, V being cut into rows."""
    rows, (*_, width) = ROWS, x.shape
    columns = width // rows
    if columns < 4 * count:
        found = x.topk(count, dim=-1)
        return found.values, found.indices
    table = x[..., : rows * columns].unflatten(-1, (rows, columns))
    best = table.amax(dim=-2).topk(count, dim=-1).indices  # [N, K, count]
    starts = torch.arange(0, rows * columns, columns, device=x.device)
    rest = torch.arange(rows * columns, width, device=x.device).expand(*x.shape[:-1], -1)
    index = torch.cat([(best[..., None] + starts).flatten(-2), rest], dim=-1)
    found = x.gather(-1, index).topk(count, dim=-1)
    return found.values, index.gather(-1, found.indices)
