"""What every corpus offers: verified splits, an identity for the record, and batches.

Importing this module does not import torch, so that commands which only prepare data start at once.
"""

import hashlib
from abc import abstractmethod
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reattend.data.base import Data
from reattend.settings import SettingError, at_least

if TYPE_CHECKING:
    from reattend.data.batches import EvaluationBatches, TrainingBatches
    from reattend.data.prepared.facts import Facts

Splits = dict[str, np.ndarray]  # "train", "valid", "test" -> [n] tokens, one after the other


class Corpus(Data):
    """A text in three splits, served as blocks of `context` tokens; an option is one module of this room."""

    unit = "byte"
    vocabulary = 256

    def __init__(self, *, context: int, batch_size: int, valid_limit: int | None = None) -> None:
        """`valid_limit`: how many tokens the validations *during* training score; None scores all."""
        at_least("data.context", context, 1)
        at_least("data.batch_size", batch_size, 1)
        self.context, self.batch_size, self.valid_limit = context, batch_size, valid_limit

    def published(self) -> "Facts | None":
        """What others report of it; None of a text of one's own."""
        return None

    def words_of(self, split: str) -> int | None:
        """How many words a split has, where that is known and a word is no token."""
        return None

    def words(self) -> list[str] | None:
        """The vocabulary by rank where tokens are words, which a checkpoint keeps; None of bytes."""
        return None

    @abstractmethod
    def load(self) -> Splits:
        """The tokens of each split."""

    def splits(self) -> Splits:
        """The tokens of each split, each long enough for one block and its shifted targets."""
        return self._splits

    @cached_property
    def _splits(self) -> Splits:
        splits = self.load()
        shortest = min(splits, key=lambda name: len(splits[name]))
        most = len(splits[shortest]) - 1
        if self.context > most:
            raise SettingError(
                "data.context",
                self.context,
                f"at most {most}, the length of the {shortest} split ({most + 1} {self.unit}s) less one",
                "Lower data.context or choose a longer text.",
            )
        if self.valid_limit is not None and self.valid_limit < self.context:
            raise SettingError(
                "data.valid_limit",
                self.valid_limit,
                f"at least data.context ({self.context}), as whole blocks are scored",
                "Raise data.valid_limit, set it to null or lower data.context.",
            )
        return splits

    def identity(self) -> dict[str, Any]:
        """What the record keeps to tell this text from any other."""
        whole = hashlib.sha256()
        splits = {}
        for split, tokens in self.splits().items():
            whole.update(tokens.data)
            splits[split] = {"tokens": len(tokens), "sha256": hashlib.sha256(tokens.data).hexdigest()}
        return {
            "name": self.name,
            "unit": self.unit,
            "source": self.source,
            "licence": self.licence,
            "sha256": whole.hexdigest(),
            "splits": splits,
        }

    def describe(self) -> str:
        identity = self.identity()
        counts = {split: found["tokens"] for split, found in identity["splits"].items()}
        lines = [*self.heading(), f"  sha256   {identity['sha256']}", f"  {self.unit}s    {sum(counts.values()):,}"]
        return "\n".join([*lines, *(f"  {split:<8} {count:,}" for split, count in counts.items())])

    def training_batches(self, *, seed: int, accumulate: int = 1) -> "TrainingBatches":
        """The train split in an order that depends on the seed and the epoch alone, in whole steps of `accumulate`."""
        from reattend.data.batches import TrainingBatches

        return TrainingBatches(
            self.splits()["train"],
            context=self.context,
            batch_size=self.batch_size,
            seed=seed,
            accumulate=accumulate,
        )

    def evaluation_batches(
        self, split: str, *, limit: int | None = None, window: int | None = None, stride: int | None = None
    ) -> "EvaluationBatches":
        """A split in its own order, each token scored once, in windows of `window` tokens (data.context) at `stride`.

        `limit` keeps evenly spread windows only.
        """
        from reattend.data.batches import EvaluationBatches

        tokens, context = self.splits()[split], window or self.context
        rows = max(1, self.batch_size * self.context // context)
        return EvaluationBatches(tokens, context=context, batch_size=rows, limit=limit, stride=stride)


def byte_splits(path: Path) -> Splits:
    """A file as bytes: the first 90 % train, the next 5 % valid, the rest test, as is usual for enwik8."""
    tokens = np.memmap(path, dtype=np.uint8, mode="r")
    first = len(tokens) * 90 // 100
    second = first + len(tokens) * 5 // 100
    return {"train": tokens[:first], "valid": tokens[first:second], "test": tokens[second:]}
