"""The unbounded state: every key and value is kept (the topline of arXiv 2401.06104).

Memory grows by 2 layers * heads * head_width numbers a token; step-by-step reading equals one whole pass.
"""

import torch
from torch import Tensor

from reattend.cache.base import Branches, LayerState, Mechanism, Policy
from reattend.cache.positions.base import Counted


class FullLayer(LayerState):
    """Appends in place to buffers that double when they are full, so a token costs no copy of its past."""

    def __init__(self) -> None:
        self.length = 0
        self.buffers: list[Tensor] = []
        self.real: Tensor | None = None  # [B, length], once there was padding

    @property
    def positions(self) -> Tensor:
        real = self._real(self.length)
        return (real.cumsum(dim=1) - 1).masked_fill(~real, -1)[:, None]

    def tensors(self) -> list[Tensor]:
        return [buffer[..., : self.length, :] for buffer in self.buffers]

    def slots_in_use(self) -> list[Tensor]:
        return self.tensors()

    def select(self, rows: Tensor) -> None:
        self.buffers = [buffer[rows] for buffer in self.buffers]
        self.real = None if self.real is None else self.real[rows]

    def placed(self, positions: Counted) -> LayerState:
        return self  # nothing leaves: every gap is 1

    def attend(
        self, mechanism: Mechanism, queries: Branches, keys: Branches, v: Tensor, *, real: Tensor | None = None
    ) -> Tensor:
        kept_keys, kept_v = self.append(keys, v)
        if real is None and self.real is None:
            return mechanism(queries, kept_keys, kept_v, causal=True)
        new = torch.ones(v.shape[0], v.shape[2], dtype=torch.bool, device=v.device) if real is None else real
        self.real = torch.cat([self._real(self.length - v.shape[2]), new], dim=1)
        mask = self.real[:, None, None] | ~new[:, None, :, None]  # padding sees all, so that its output is a number
        return mechanism(queries, kept_keys, kept_v, causal=True, mask=mask)

    def _real(self, length: int) -> Tensor:
        if self.real is not None:
            return self.real
        b = self.buffers[0].shape[0] if self.buffers else 0
        return torch.ones(b, length, dtype=torch.bool, device=self.buffers[0].device if self.buffers else None)

    def append(self, keys: Branches, v: Tensor) -> tuple[Branches, Tensor]:
        """Take in the keys and values of new tokens; all keys and values so far."""
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

    @property
    def unbroken(self) -> bool:
        return True

    def empty(self, index: int) -> LayerState:
        return FullLayer()
