"""Sampling: every token drawn from the model's own probabilities, sharpened by a temperature.

The random numbers of a sentence follow from the seed and the sentence's number alone, so its samples do not depend on
its company. A draw is the inverse of the cumulative distribution at one uniform number.
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
from reattend.models.initialise import stream
from reattend.settings import SettingError, at_least


@dataclass(frozen=True, kw_only=True)
class Sampling(Search):
    """`count` samples a sentence, the most probable a token first."""

    temperature: float = 1.0
    seed: int = 1
    count: int = 1
    max_length_a: float = 1.2
    max_length_b: int = 10
    unknown: Unknown = "keep"

    def __post_init__(self) -> None:
        if self.temperature <= 0:
            expected = "a number above 0"
            raise SettingError("temperature", self.temperature, expected, "Use beam search with beam=1 for the mode.")
        at_least("seed", self.seed, 0)
        at_least("count", self.count, 1)
        at_least("max_length_a", self.max_length_a, 0)
        at_least("max_length_b", self.max_length_b, 1)

    @property
    def lanes(self) -> int:
        return self.count

    @torch.inference_mode()
    def __call__(self, model: EncoderDecoder, source: Tensor, *, numbers: Sequence[int]) -> list[list[Hypothesis]]:
        lanes = Lanes(
            model,
            source,
            lanes=self.count,
            max_length_a=self.max_length_a,
            max_length_b=self.max_length_b,
            unknown=self.unknown,
        )
        longest = max(lanes.limits) + 1
        draws = [torch.rand(longest, self.count, generator=self._stream(n), dtype=torch.float64) for n in numbers]
        uniform = torch.stack(draws).to(source.device)  # [N, longest, K]
        tokens = source.new_full((len(source), self.count), EOS)
        sums = torch.zeros(tokens.shape, dtype=torch.float64, device=source.device)  # ln p so far
        going = torch.ones_like(tokens, dtype=torch.bool)
        drawn = []
        for step in range(longest):
            logits, total = lanes.read(tokens, None)
            tokens = self._draw(logits, uniform[:, step])
            chosen = logits.gather(2, tokens[..., None]).squeeze(2) - total
            sums += chosen.where(going, 0)
            drawn.append(tokens)
            going = going & (tokens != EOS)
            if not going.any():
                break
        return _hypotheses(torch.stack(drawn, dim=2).tolist(), sums.tolist())

    def _stream(self, number: int) -> torch.Generator:
        return stream(self.seed, f"sample/{number}")

    def _draw(self, logits: Tensor, uniform: Tensor) -> Tensor:
        """One token a line [N, K], at `uniform` [N, K] of the cumulative probabilities."""
        cumulative = (logits.double() / self.temperature).softmax(dim=-1).cumsum(dim=-1)
        at = uniform[..., None] * cumulative[..., -1:]
        return torch.searchsorted(cumulative, at, right=True).squeeze(2).clamp_(max=logits.shape[2] - 1)


def sample(model: EncoderDecoder, source: Tensor, **options: Any) -> list[list[Hypothesis]]:
    """[sentence][count] of `source` [B, S], right-padded; `options` are those of `Sampling`."""
    return Sampling(**options)(model, source, numbers=range(len(source)))


def _hypotheses(drawn: list[list[list[int]]], sums: list[list[float]]) -> list[list[Hypothesis]]:
    found = []
    for lines, log_ps in zip(drawn, sums, strict=True):
        cut = [line[: line.index(EOS)] for line in lines]
        each = [Hypothesis(line, log_p / (len(line) + 1), log_p) for line, log_p in zip(cut, log_ps, strict=True)]
        found.append(sorted(each, key=lambda one: -one.score))
    return found
