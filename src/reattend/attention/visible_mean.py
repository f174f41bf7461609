"""The mean of the values that a query may look at: attention with equal weights, U V, in linear time where it can be.

Without a mask it is a running mean: no [T, S]. With one it is the product of that very mask, in its own shape, and
the values; a mask of [T, S] then costs a second tensor of its size.
"""

import torch
from torch import Tensor

from reattend.attention.base import probabilities, visible


def visible_mean(v: Tensor, *, queries: int, causal: bool, mask: Tensor | None) -> Tensor:
    """v [B, H, S, D] -> [B, H, T or 1, D] for the last T = `queries` positions; float32 at least without a mask."""
    wide, keys = torch.promote_types(v.dtype, torch.float32), v.shape[2]
    if mask is not None:
        seen = (mask & visible(queries, keys, device=v.device) if causal else mask).to(v.dtype)
        return (seen @ v) / seen.sum(dim=-1, keepdim=True)
    if not causal or queries == 1:
        return v.mean(dim=2, keepdim=True, dtype=wide)
    sums = v.cumsum(dim=2, dtype=wide)[:, :, keys - queries :]
    return sums / torch.arange(keys - queries + 1, keys + 1, device=v.device, dtype=wide)[:, None]


def uniform(q: Tensor, k: Tensor, *, causal: bool, mask: Tensor | None) -> Tensor:
    """U, dense: 1 / n at each of the n visible keys, [B, H, T, S]."""
    return probabilities(torch.zeros_like(q), k, causal=causal, mask=mask)
