"""The unbounded state: every key and value is kept (the topline of arXiv 2401.06104).

Memory grows by 2 layers * heads * head_width numbers a token; step-by-step reading equals one whole pass.
"""

import torch
from torch import Tensor

from reattend.cache.base import Branches, LayerState, Policy


class FullLayer(LayerState):
    """Appends in place to buffers that double when they are full, so a token costs no copy of its past."""

    def __init__(self) -> None:
        self.length = 0
        self.buffers: list[Tensor] = []

    def update(self, keys: Branches, v: Tensor) -> tuple[Branches, Tensor]:
        new = (*keys, v)
        end = self.length + v.shape[-2]
        if not self.buffers or end > self.buffers[0].shape[-2]:
            self._grow(new, max(end, 2 * self.length))
        for buffer, tensor in zip(self.buffers, new, strict=True):
            buffer[..., self.length : end, :] = tensor
        self.length = end
        *kept_keys, kept_v = (buffer[..., :end, :] for buffer in self.buffers)
        return tuple(kept_keys), kept_v

    def _grow(self, new: Branches, size: int) -> None:
        old = self.buffers
        self.buffers = [torch.empty(*t.shape[:-2], size, t.shape[-1], dtype=t.dtype, device=t.device) for t in new]
        for buffer, tensor in zip(self.buffers, old, strict=False):
            buffer[..., : self.length, :] = tensor[..., : self.length, :]


class Full(Policy):
    """No bound."""

    def layer_state(self) -> LayerState:
        return FullLayer()
