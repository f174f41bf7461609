"""Score the tokens of one chunk by what the state says before they come."""

import re
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from reattend.cache import Policy
from reattend.data import Document
from reattend.evaluation.room import halved
from reattend.evaluation.scoring.course import Course
from reattend.models.language import LanguageModel
from reattend.models.language.tokens import Tokens
from reattend.models.reading import Reading, begin
from reattend.records.record import Part

WORD = re.compile(r"(?<!\S)\S")  # where one begins
ROWS = 128  # whose probabilities are in memory at once


class Reader:
    """Scores chunks; a forward pass reads at most `chunk` tokens, fewer where a GPU has no room for so many."""

    def __init__(self, lm: LanguageModel, policy: Policy, *, chunk: int, bos: int | None) -> None:
        """`bos`: a token put before each chunk, whose first token is then scored as well."""
        self.lm, self.policy, self.chunk = lm, policy, chunk
        self.start = torch.tensor([] if bos is None else [bos], dtype=torch.int64)
        self.device = next(lm.model.parameters()).device
        self.tell: Callable[[float, int], None] = lambda nats, tokens: None  # what of a chunk is scored so far

    def warm_up(self) -> None:
        """Read two tokens, untimed: kernels are compiled and chosen at first use."""
        self._fitting(torch.zeros(1, 2, dtype=torch.int64))

    def part(self, text: Document, tokens: Tokens, piece: range) -> Part:
        """What a record keeps of one chunk."""
        clock = time.perf_counter()
        scored = self._fitting(torch.cat([self.start, tokens.ids[piece.start : piece.stop]])[None])
        unscored = 1 - len(self.start)
        first, last = int(tokens.spans[piece.start + unscored, 0]), int(tokens.spans[piece.stop - 1, 1])
        part: Part = {
            "document": text.title,
            "start": piece.start,
            "tokens": len(piece) - unscored,
            "words": sum(1 for _ in WORD.finditer(text.text, first, last)),
            "bytes": len(text.text[first:last].encode()),
            "nats": scored.nats,
            "seconds": time.perf_counter() - clock,
            "entries": scored.entries,
            "kv_bytes": scored.kv_bytes,
        }
        return scored.course.told_by(part)

    def _fitting(self, ids: Tensor) -> "_Scored":
        """What `_read` returns, in smaller chunks if need be."""
        needed = min(self.chunk, ids.shape[1])
        scored, chunk = halved(
            "chunk",
            needed,
            partial(self._read, ids),
            expected="a GPU with room for the model and its state",
            fix="Lower policy.size, or take lm.dtype=bfloat16.",
        )
        if chunk < needed:
            self.chunk = chunk
        return scored

    def begin(self) -> Reading:
        """A chunk, from an empty state."""
        return begin(self.lm, self.policy)

    def _read(self, ids: Tensor, chunk: int) -> "_Scored":
        """All tokens [1, T] but the first, so many in a forward pass."""
        reading, course = self.begin(), Course()
        nats, entries, kept = 0.0, 0.0, 0
        for start in range(0, ids.shape[1], chunk):
            logits = reading.read(ids[:, start : start + chunk])[0]  # [C, vocabulary]
            targets = ids[0, start + 1 : start + 1 + len(logits)].to(logits.device)
            row = 0
            while row < len(targets):
                aim = targets[row : row + min(ROWS, course.room)]
                cost = float(F.cross_entropy(logits[row : row + len(aim)].float(), aim, reduction="sum"))
                course.add(cost, len(aim))
                nats, row = nats + cost, row + len(aim)
            entries, kept = max(entries, reading.entries()), max(kept, reading.kept_bytes())
            self.tell(nats, min(start + chunk, ids.shape[1] - 1))
        return _Scored(nats, entries, kept, course)


class _Scored(NamedTuple):
    nats: float  # summed -ln p
    entries: float  # when the state was largest
    kv_bytes: int
    course: Course
