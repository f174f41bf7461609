"""What every search gives and takes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from reattend.models.encoder_decoder import EncoderDecoder


@dataclass(frozen=True)
class Hypothesis:
    """A finished target sentence."""

    tokens: list[int]  # without EOS
    score: float  # log_probability / length^length_penalty, the length with EOS
    log_probability: float  # ln p of the tokens and of EOS


class Search(ABC):
    """Options of one way to search; calling it searches."""

    @property
    @abstractmethod
    def lanes(self) -> int:
        """How many lines of target tokens it reads beside each source: what a batch costs."""

    @abstractmethod
    def __call__(self, model: EncoderDecoder, source: Tensor, *, numbers: Sequence[int]) -> list[list[Hypothesis]]:
        """[sentence][hypothesis], best first, of `source` [B, S]; `numbers` tell the sentences of all batches apart."""
