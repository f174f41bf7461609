"""A language model that reads: tokens in, logits out, with the state that a cache policy keeps in between."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from reattend.cache import Policy, State
from reattend.cache.base import LayerState
from reattend.models.decoder import Decoder
from reattend.models.language import LanguageModel


class Reading(ABC):
    """One text under way."""

    layers: list[LayerState]

    @abstractmethod
    def read(self, tokens: Tensor) -> Tensor:
        """The logits [1, T, vocabulary] of the next tokens [1, T] of the text."""

    def kept_bytes(self) -> int:
        """The size of the keys and values that are kept."""
        return sum(layer.kept_bytes() for layer in self.layers)

    def entries(self) -> float:
        """How many a layer keeps, the mean over layers."""
        return sum(layer.slots_in_use()[0].shape[2] for layer in self.layers) / len(self.layers)


class _OwnDecoder(Reading):
    def __init__(self, model: Decoder, policy: Policy) -> None:
        self.model = model
        self.state: State = policy.state(layers=len(model.blocks))
        self.layers = self.state.layers
        self.device = next(model.parameters()).device

    @torch.no_grad()
    def read(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.model(tokens.to(self.device), state=self.state)
        return logits


class _Pretrained(Reading):
    def __init__(self, model: torch.nn.Module, policy: Policy) -> None:
        from reattend.cache import PolicyCache

        self.model = model
        self.cache = PolicyCache(model, policy)  # type: ignore[arg-type]
        self.layers = self.cache.states
        self.device = next(model.parameters()).device

    @torch.no_grad()
    def read(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.model(input_ids=tokens.to(self.device), past_key_values=self.cache).logits
        return logits


def begin(lm: LanguageModel, policy: Policy) -> Reading:
    """A new text, from an empty state."""
    return _OwnDecoder(lm.model, policy) if isinstance(lm.model, Decoder) else _Pretrained(lm.model, policy)
