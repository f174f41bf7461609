"""Three ways to read a split (see ../likelihood.py): windows side by side or sliding, or one stream with a memory."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from reattend.cache import State, build_policy
from reattend.data.batches import IGNORED, EvaluationBatches
from reattend.evaluation.likelihood import Settings
from reattend.models.decoder import Decoder
from reattend.models.positions import Learned, Rotary
from reattend.settings import SettingError

PARTS = 100  # into which a split is divided at most: an interrupted run loses one of them

Scores = Iterator[tuple[float, int]]  # of each forward pass: summed -ln p, and of how many targets


class Way(ABC):
    """How a split is read. Its steps are windows, or tokens of the stream; `targets` are scored."""

    unit: int  # steps of a forward pass
    steps: int
    targets: int

    def pieces(self) -> list[range]:
        """The steps of each part of the record, whole forward passes but for the last."""
        passes = -(-self.steps // self.unit)
        size = self.unit * -(-passes // PARTS)
        return [range(start, min(start + size, self.steps)) for start in range(0, self.steps, size)]

    @abstractmethod
    def read(self, piece: range) -> Scores:
        """Score these steps."""

    @abstractmethod
    def place(self, step: int) -> int:
        """The first token of a step, by its number in the split."""

    def kept(self) -> tuple[float, int]:
        """How many entries a layer keeps between forward passes, and the bytes of all keys and values."""
        return 0.0, 0


class Windows(Way):
    """Each from an empty state."""

    def __init__(self, model: Decoder, tokens: np.ndarray, settings: Settings, *, context: int) -> None:
        self.model, window = model, settings.window or context
        stride = settings.stride or window
        if window > len(tokens) - 1:
            expected = f"at most {len(tokens) - 1:,}, the targets of {settings.split}"
            raise SettingError("window", window, expected, "Lower window.")
        if stride > window:
            expected = f"at most the window ({window:,}), or tokens would be left out"
            raise SettingError("stride", stride, expected, "Lower stride.")
        if settings.limit is not None and settings.limit < stride:
            expected = f"at least {stride:,}, what a window scores"
            raise SettingError("limit", settings.limit, expected, "Raise limit, or lower stride.")
        _refuse_beyond(settings, model, window, context=context, lower="window", window=window)
        self.unit = max(1, settings.chunk // window)
        self.batches = EvaluationBatches(
            tokens, context=window, batch_size=self.unit, limit=settings.limit, stride=stride
        )
        self.steps, self.targets = len(self.batches.starts), self.batches.targets

    def read(self, piece: range) -> Scores:
        batches = copy.copy(self.batches)
        batches.starts = batches.starts[piece.start : piece.stop]
        for inputs, targets in batches:
            yield _nats(self.model, inputs, targets, state=None)

    def place(self, step: int) -> int:
        return int(self.batches.starts[step])


class Stream(Way):
    """From the first token to the last, with one state."""

    def __init__(self, model: Decoder, tokens: np.ndarray, settings: Settings, *, context: int) -> None:
        assert settings.memory is not None
        self.model, self.tokens, self.unit = model, tokens, settings.chunk
        self.targets = self.steps = min(len(tokens) - 1, settings.limit or len(tokens))
        rotary = isinstance(model.positions, Rotary)  # they count from a token to those it sees
        span = min(settings.memory + 1, self.steps) if rotary else self.steps
        lower = "memory" if rotary else "limit"
        _refuse_beyond(settings, model, span, context=context, lower=lower, memory=settings.memory)
        self.policy = build_policy({"name": "window", "size": settings.memory})
        self.reach = settings.memory * len(model.blocks)  # how far back a token's score depends on others
        self.state = self._begun(0)

    def _begun(self, at: int) -> State:
        """An empty state that goes on from this token."""
        state = self.policy.state(layers=len(self.model.blocks))
        state.seen = at
        return state

    def read(self, piece: range) -> Scores:
        if self.state.seen != piece.start:  # what an earlier attempt scored: read as much of it as can be seen
            self.state = self._begun(max(0, piece.start - self.reach))
            for start in range(self.state.seen, piece.start, self.unit):
                self._pass(start, min(start + self.unit, piece.start))
        for start in range(piece.start, piece.stop, self.unit):
            yield self._pass(start, min(start + self.unit, piece.stop))

    def _pass(self, start: int, stop: int) -> tuple[float, int]:
        wide = torch.from_numpy(self.tokens[start : stop + 1].astype(np.int64))[None]  # [1, T + 1]
        return _nats(self.model, wide[:, :-1], wide[:, 1:], state=self.state)

    def place(self, step: int) -> int:
        return step

    def kept(self) -> tuple[float, int]:
        layers = self.state.layers
        entries = sum(layer.slots_in_use()[0].shape[2] for layer in layers) / len(layers)
        return entries, sum(layer.kept_bytes() for layer in layers)


@torch.no_grad()
def _nats(model: Decoder, inputs: Tensor, targets: Tensor, *, state: State | None) -> tuple[float, int]:
    """Summed -ln p of the targets [B, T] that count; the vocabulary is looked at for these alone."""
    device = next(model.parameters()).device
    hidden = model.hidden(inputs.to(device), state=state)  # [B, T, W]
    scored = targets != IGNORED
    nats = model.output.nats(hidden[scored.to(device)], targets[scored].to(device))
    return nats.item(), int(scored.sum())


def _refuse_beyond(
    settings: Settings, model: Decoder, positions: int, *, context: int, lower: str, **setting: int
) -> None:
    """A model knows as many positions as it was trained on; `setting` is what asks for more, `lower` what mends it."""
    learned = isinstance(model.positions, Learned)
    if positions <= context or (settings.beyond_context and not learned):
        return
    ((key, value),) = setting.items()
    expected = f"at most {context:,} positions, for which the model was made; it would meet {positions:,}"
    fix = "its positions are learned: there are no more" if learned else "or set beyond_context=true to read on"
    raise SettingError(key, value, expected, f"Lower {lower}, {fix}.")
