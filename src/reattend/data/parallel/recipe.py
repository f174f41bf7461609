"""The options that decide how a parallel corpus is prepared; those of batches are not among them."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Recipe:
    direction: str
    merges: int
    joined: bool
    lowercase: bool
    split_hyphens: bool
    max_length: int  # subwords of a sentence, EOS aside
    too_long: Literal["drop", "keep"]
    ratio: float | None  # of subwords, the longer side to the shorter

    @property
    def languages(self) -> list[str]:
        return self.direction.split("-")
