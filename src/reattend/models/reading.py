"""A language model that reads: tokens in, logits out, with the state that a cache policy keeps in between.

Rows of a batch are texts that know nothing of each other: with padding marked, each is read as it would be alone. A
reading can be forked, so that a long beginning is read once for all that follows it.
"""

import copy
import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor

from reattend.cache import Policy, State
from reattend.cache.base import LayerState
from reattend.models.decoder import Decoder
from reattend.models.language import LanguageModel


class Reading(ABC):
    """Texts under way, one a row."""

    layers: list[LayerState]
    device: torch.device

    @abstractmethod
    def read(self, tokens: Tensor, *, real: Tensor | None = None, last: int | None = None) -> Tensor:
        """The logits [B, T, vocabulary] after each of the next tokens [B, T] of the texts; or after the `last` ones.

        `real` [B, T] is False at padding, on either side, whose logits mean nothing.
        """

    @abstractmethod
    def fork(self, rows: Tensor) -> Self:
        """Another reading that goes on from these rows, in this order, each as often as it is named."""

    def kept_bytes(self) -> int:
        """The size of the keys and values that are kept."""
        return sum(layer.kept_bytes() for layer in self.layers)

    def entries(self) -> float:
        """How many a layer keeps, the mean over layers."""
        return sum(layer.slots_in_use()[0].shape[2] for layer in self.layers) / len(self.layers)


class _OwnDecoder(Reading):
    def __init__(self, model: Decoder, state: State) -> None:
        self.model, self.state, self.layers = model, state, state.layers
        self.device = next(model.parameters()).device

    @torch.no_grad()
    def read(self, tokens: Tensor, *, real: Tensor | None = None, last: int | None = None) -> Tensor:
        real = None if real is None else real.to(self.device)
        hidden = self.model.hidden(tokens.to(self.device), state=self.state, real=real)  # [B, T, W]
        logits: Tensor = self.model.output(hidden[:, -(last or 0) :])
        return logits

    def fork(self, rows: Tensor) -> Self:
        return type(self)(self.model, self.state.fork(rows.to(self.device)))


class _Pretrained(Reading):
    def __init__(self, model: torch.nn.Module, cache: Any) -> None:
        self.model, self.cache, self.layers = model, cache, cache.states
        self.device = next(model.parameters()).device
        self.real: Tensor | None = None  # [B, tokens so far], once there was padding
        self.spares = "logits_to_keep" in inspect.signature(model.forward).parameters

    @torch.no_grad()
    def read(self, tokens: Tensor, *, real: Tensor | None = None, last: int | None = None) -> Tensor:
        given = self._padding(tokens, real) | ({"logits_to_keep": last} if last and self.spares else {})
        logits: Tensor = self.model(input_ids=tokens.to(self.device), past_key_values=self.cache, **given).logits
        return logits[:, -(last or 0) :]

    def _padding(self, tokens: Tensor, real: Tensor | None) -> dict[str, Any]:
        """What transformers asks for where rows are of different lengths."""
        if real is None and self.real is None:
            return {}
        b, t = tokens.shape
        new = torch.ones(b, t, dtype=torch.bool) if real is None else real
        before = torch.ones(b, self.cache.get_seq_length(), dtype=torch.bool) if self.real is None else self.real
        self.real = torch.cat([before.to(self.device), new.to(self.device)], dim=1)
        places = (self.real.cumsum(dim=1) - 1).clamp(min=0)
        return {"attention_mask": self.real, "position_ids": places[:, -t:]}

    def fork(self, rows: Tensor) -> Self:
        rows = rows.to(self.device)
        other = copy.copy(self)
        other.cache = self.cache.fork(rows)
        other.layers = other.cache.states
        other.real = None if self.real is None else self.real[rows]
        return other


def begin(lm: LanguageModel, policy: Policy) -> Reading:
    """New texts, from an empty state."""
    if isinstance(lm.model, Decoder):
        return _OwnDecoder(lm.model, policy.state(layers=len(lm.model.blocks)))
    from reattend.cache import PolicyCache

    return _Pretrained(lm.model, PolicyCache(lm.model, policy))  # type: ignore[arg-type]


def padded(rows: Sequence[Sequence[int]], *, left: bool) -> tuple[Tensor, Tensor]:
    """Tokens [B, T] of rows of different lengths, and which of them are real."""
    longest = max(map(len, rows))
    tokens = torch.zeros(len(rows), longest, dtype=torch.int64)
    real = torch.zeros(len(rows), longest, dtype=torch.bool)
    for place, row in enumerate(rows):
        part = slice(longest - len(row), longest) if left else slice(0, len(row))
        tokens[place, part], real[place, part] = torch.tensor(row), True
    return tokens, real
