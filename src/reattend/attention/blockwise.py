"""Mechanisms that no fused kernel computes, in blocks of queries, so that no tensor of all pairs is ever held.

A subclass says how a few queries weigh the keys; the dense form and the path to train with both follow from that rule:

    W = rule(q, K, visible)      [B, H, t, S] for t queries
    y = W V

`forward` takes ROWS queries at a time. Where there are more, what the backward pass needs is computed again there
(activation checkpointing), so that forward and backward hold O(ROWS S) numbers a head at once instead of T S. Time is
that of the dense form, half of it if causal, as later keys are left out. Weights are computed in float32 at least,
whatever autocast says: some rules divide by a spread or subtract, where bfloat16 has too few digits.
"""

from abc import abstractmethod
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from reattend.attention.base import Attention, Branches, visible

ROWS = 128


class Blockwise(Attention):
    """q [B, H, T, D], k and v [B, H, S, D] -> [B, H, T, D], by a rule for the weights of any number of queries."""

    @abstractmethod
    def rule(self, q: Tensor, k: Tensor, seen: Tensor) -> Tensor:
        """Weights [B, H, t, S] of q [B, H, t, D] and k [B, H, S, D], in float32 or float64.

        `seen` [B or 1, H or 1, t or 1, S] is True where a query may look, at one key at least; what the rule returns
        elsewhere is replaced by 0, and must be finite for the gradient's sake.
        """

    def weights(self, queries: Branches, keys: Branches, *, causal: bool, mask: Tensor | None = None) -> Tensor:
        q, k = queries[0], keys[0]
        length, total = q.shape[-2], k.shape[-2]
        if causal:
            seen = visible(length, total, device=q.device)
        else:
            seen = torch.ones(length, total, dtype=torch.bool, device=q.device)
        seen = seen[None, None] if mask is None else seen & mask
        wide = torch.promote_types(q.dtype, torch.float32)
        with full_precision(q):
            return self.rule(q.to(wide), k.to(wide), seen).masked_fill(~seen, 0.0)

    def forward(
        self, queries: Branches, keys: Branches, v: Tensor, *, causal: bool, mask: Tensor | None = None
    ) -> Tensor:
        q, k = queries[0], keys[0]
        length, total = q.shape[-2], k.shape[-2]
        if length <= ROWS:
            return self._block(q, k, v, mask, causal)
        if mask is not None:
            mask = mask.expand(-1, -1, length, -1)
        compute = self._again if torch.is_grad_enabled() else self._block
        outputs = []
        for start in range(0, length, ROWS):
            stop = min(start + ROWS, length)
            end = total - length + stop if causal else total
            block = (q[:, :, start:stop], k[:, :, :end], v[:, :, :end])
            rows = None if mask is None else mask[:, :, start:stop, :end]
            outputs.append(compute(*block, rows, causal))
        return torch.cat(outputs, dim=2)

    def _again(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        """A block that is computed once more in the backward pass, with the same dropout."""
        block = (q, k, v, mask, causal)
        y: Tensor = checkpoint(self._block, *block, use_reentrant=False, preserve_rng_state=self._drops)
        return y

    @property
    def _drops(self) -> bool:
        return self.training and self.dropout > 0

    def _block(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        """The last of the positions of `k` are those of `q`, as in any pass."""
        weights = self.weights((q,), (k,), causal=causal, mask=mask)
        if self._drops:
            weights = F.dropout(weights, self.dropout)
        with full_precision(q):
            return (weights @ v.to(weights.dtype)).to(v.dtype)


def full_precision(x: Tensor) -> AbstractContextManager[object]:
    """Without autocast, which shapes alone do not have."""
    return nullcontext() if x.is_meta else torch.autocast(x.device.type, enabled=False)


def deviations(x: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
    """x [B, H, t, S] less its mean over the visible keys, 0 at the others; and the variance of that, [B, H, t, 1]."""
    count = seen.sum(dim=-1, keepdim=True)
    mean = x.masked_fill(~seen, 0.0).sum(dim=-1, keepdim=True) / count
    centred = (x - mean).masked_fill(~seen, 0.0)
    return centred, centred.square().sum(dim=-1, keepdim=True) / count
