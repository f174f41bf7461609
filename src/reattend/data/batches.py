"""Blocks as batches of (inputs, targets), both int64 [B, T]: a target is the token after its input."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from reattend.settings import SettingError, at_least

IGNORED = -100  # a target that the loss leaves out, as torch.nn.functional.cross_entropy has it

Batch = tuple[Tensor, Tensor]


class TrainingBatches:
    """Shuffled blocks; their order depends on (seed, epoch) alone, and a checkpoint keeps the place.

    Each epoch cuts the text at another offset, so that a token meets other positions of the context, and
    leaves out the last blocks of its order, which do not fill a step of `accumulate` batches: at the end of an epoch
    Lightning would make a step of fewer.
    """

    def __init__(self, tokens: np.ndarray, *, context: int, batch_size: int, seed: int, accumulate: int = 1) -> None:
        at_least("seed", seed, 0)
        self.tokens, self.context, self.batch_size, self.seed = tokens, context, batch_size, seed
        # offsets 0 to context - 1, fewer in a text too short for them; each gives the same number of blocks
        self.offsets = min(context, len(tokens) - context)
        self.blocks = (len(tokens) - self.offsets) // context
        if self.blocks < batch_size * accumulate:
            most = f"at most {self.blocks}, the blocks of {context} tokens in a train split of {len(tokens)}"
            raise SettingError(
                "data.batch_size",
                batch_size,
                most if accumulate == 1 else f"{most}, when multiplied by trainer.accumulate={accumulate}",
                "Lower data.batch_size or data.context, or choose a longer text.",
            )
        self.batches = self.blocks // (batch_size * accumulate) * accumulate
        self.epoch = self.taken = 0

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[Batch]:
        if self.taken >= len(self):  # turned here: Lightning never drains an iterator that has a length
            self.epoch, self.taken = self.epoch + 1, 0
        starts = self._starts()
        while self.taken < len(self):
            first = self.taken * self.batch_size
            self.taken += 1  # before the yield: a checkpoint taken now must not see this batch again
            rows = starts[first : first + self.batch_size, None] + np.arange(self.context + 1)  # [B, T + 1]
            yield _shifted(self.tokens[rows])

    def _starts(self) -> np.ndarray:  # [blocks]
        draw = np.random.default_rng([self.seed, self.epoch])
        return draw.integers(self.offsets) + self.context * draw.permutation(self.blocks)

    def state_dict(self) -> dict[str, int]:
        return {"epoch": self.epoch, "taken": self.taken}

    def load_state_dict(self, state: dict[str, int]) -> None:
        self.epoch, self.taken = state["epoch"], state["taken"]


class EvaluationBatches:
    """Windows of `context` tokens, in order: every token but the first of the split is a target exactly once.

    A window begins `stride` tokens after the one before and scores what that one has not: with `stride = context` they
    lie side by side and a token has 0 to context - 1 tokens before its input; with a smaller one all but the first
    window's have at least context - stride. What is not scored is an `IGNORED` target. With a `limit`, evenly spread
    whole windows are kept that score at most so many (one at least; a split shorter than two windows is scored whole).
    `targets` is the number that will be scored.
    """

    def __init__(
        self, tokens: np.ndarray, *, context: int, batch_size: int, limit: int | None = None, stride: int | None = None
    ) -> None:
        self.tokens, self.context, self.batch_size = tokens, context, batch_size
        self.stride = context if stride is None else stride
        self.targets = len(tokens) - 1
        # the first window scores context targets, each other one stride more
        windows = 1 + max(0, -(-(self.targets - context) // self.stride))
        self.starts = np.arange(windows) * self.stride
        first = 0 if self.stride == context else 1  # from which each scores as many
        whole = (self.targets - context) // self.stride + 1 - first
        if limit is not None and limit < self.targets and whole > 0:
            kept = max(1, min(limit // self.stride, whole))
            self.starts = (first + np.arange(kept) * whole // kept) * self.stride
            self.targets = kept * self.stride

    def __len__(self) -> int:
        return -(-len(self.starts) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for first in range(0, len(self.starts), self.batch_size):
            rows = self.starts[first : first + self.batch_size, None] + np.arange(self.context + 1)  # [B, T + 1]
            inside = rows < len(self.tokens)
            fresh = (rows[:, :1] == 0) | (np.arange(self.context) >= self.context - self.stride)  # [B, T]
            inputs, targets = _shifted(self.tokens[np.where(inside, rows, 0)])
            yield inputs, targets.masked_fill(~torch.from_numpy(inside[:, 1:] & fresh), IGNORED)


def _shifted(block: np.ndarray) -> Batch:  # [B, T + 1] -> two of [B, T]
    wide = block.astype(np.int64)
    return torch.from_numpy(wide[:, :-1].copy()), torch.from_numpy(wide[:, 1:].copy())
