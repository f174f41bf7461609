"""Sentence pairs as batches of alike length: source [B, S] and inputs [B, T] padded with PAD, targets [B, T] with -100.

A decoder's inputs are EOS and the target but its last token; its targets are the target, whose last token is EOS.
A batch holds as many pairs as fit in `max_tokens` padded tokens on the longer side, as fairseq's --max-tokens.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from reattend.data.batches import IGNORED
from reattend.data.parallel.dictionary import EOS, PAD
from reattend.settings import SettingError, at_least


@dataclass(frozen=True)
class Numbers:
    """Sentences of numbers one after the other, which may lie in memory-mapped files."""

    ids: np.ndarray  # [n]
    starts: np.ndarray  # [sentences + 1]

    def __getitem__(self, index: int) -> np.ndarray:
        return self.ids[self.starts[index] : self.starts[index + 1]]

    @cached_property
    def lengths(self) -> np.ndarray:
        return np.diff(self.starts)


class PairBatch(NamedTuple):
    """`weight` times the summed loss, averaged over the batches of an optimiser step, is that step's mean loss."""

    source: Tensor  # [B, S] int64
    inputs: Tensor  # [B, T] int64
    targets: Tensor  # [B, T] int64
    weight: float  # the batches of the step, divided by all their targets


class TranslationTrainingBatches:
    """Batches in an order that depends on (seed, epoch) alone; a checkpoint keeps the place.

    Pairs of equal lengths are shuffled among each other and batches as a whole, so each epoch has other batches of the
    same sizes. The last batches of an epoch, which do not fill a step of `accumulate`, are left out.
    """

    def __init__(self, source: Numbers, target: Numbers, *, max_tokens: int, seed: int, accumulate: int = 1) -> None:
        at_least("seed", seed, 0)
        self.source, self.target, self.seed, self.accumulate = source, target, seed, accumulate
        order = np.lexsort((source.lengths, target.lengths))
        self.cuts = _cuts(source.lengths[order], target.lengths[order], max_tokens)
        self.batches = (len(self.cuts) - 1) // accumulate * accumulate
        if self.batches == 0:
            expected = f"at most {len(self.cuts) - 1}, the batches of the train split"
            raise SettingError("trainer.accumulate", accumulate, expected, "Lower it or data.max_tokens.")
        self.epoch = self.taken = 0

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[PairBatch]:
        if self.taken >= len(self):  # turned here: Lightning never drains an iterator that has a length
            self.epoch, self.taken = self.epoch + 1, 0
        batches = self._order()
        while self.taken < len(self):
            first = self.taken // self.accumulate * self.accumulate
            targets = sum(int(self.target.lengths[b].sum()) for b in batches[first : first + self.accumulate])
            chosen = batches[self.taken]
            self.taken += 1  # before the yield: a checkpoint taken now must not see this batch again
            yield PairBatch(*pad(self.source, self.target, chosen), weight=self.accumulate / targets)

    def _order(self) -> list[np.ndarray]:
        draw = np.random.default_rng([self.seed, self.epoch])
        shuffled = draw.permutation(len(self.target.lengths))
        ties = np.lexsort((self.source.lengths[shuffled], self.target.lengths[shuffled]))
        batches = np.split(shuffled[ties], self.cuts[1:-1])
        return [batches[i] for i in draw.permutation(len(batches))]

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.epoch, "taken": self.taken}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.epoch, self.taken = state["epoch"], state["taken"]


class TranslationEvaluationBatches:
    """Every pair of a split once, sorted by length; with a `limit`, so many evenly spread pairs."""

    def __init__(self, source: Numbers, target: Numbers, *, max_tokens: int, limit: int | None = None) -> None:
        self.source, self.target = source, target
        pairs = len(source.lengths)
        kept = pairs if limit is None else min(limit, pairs)
        self.indices = np.arange(kept) * pairs // kept
        order = self.indices[np.lexsort((source.lengths[self.indices], target.lengths[self.indices]))]
        cuts = _cuts(source.lengths[order], target.lengths[order], max_tokens)
        self.batches = np.split(order, cuts[1:-1])

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        for chosen in self.batches:
            yield pad(self.source, self.target, chosen)


def _cuts(source: np.ndarray, target: np.ndarray, max_tokens: int) -> list[int]:
    """Where batches of sorted pairs begin, and the end; a pair that is longer than `max_tokens` is a batch alone."""
    cuts, longest = [0], 0
    for i, length in enumerate(np.maximum(source, target).tolist()):
        longest = max(longest, length)
        if longest * (i + 1 - cuts[-1]) > max_tokens and i > cuts[-1]:
            cuts.append(i)
            longest = length
    return [*cuts, len(source)]


def pad(source: Numbers, target: Numbers, chosen: Sequence[int] | np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Source, inputs and targets of the pairs `chosen`."""
    sources, targets = [source[i] for i in chosen], [target[i] for i in chosen]
    inputs = [np.concatenate(([EOS], ids[:-1])) for ids in targets]
    return _right(sources, PAD), _right(inputs, PAD), _right(targets, IGNORED)


def _right(rows: Sequence[np.ndarray], filling: int) -> Tensor:
    """[B, longest] int64, each row filled up on the right."""
    padded = torch.full((len(rows), max(map(len, rows))), filling, dtype=torch.int64)
    for line, row in zip(padded, rows, strict=True):
        line[: len(row)] = torch.from_numpy(np.asarray(row, dtype=np.int64))
    return padded
