"""Non-normalised attention, NON (Richter & Wattenhofer, Normalized Attention Without Probability Cage, 2005.09561).

    W = Q K^T / sqrt(D)  over the visible keys,    Y = W V / sqrt(n)

Weights have any sign and rows any sum; there is no softmax and no other nonlinearity.

Deviations from the authors' code: n is the number of keys that a query sees, there the length of the padded batch; the
two agree for texts of one length without a causal mask, and only ours lets decoding step by step equal one pass. The
GELU between Y and W_O of their block is left out, so that rows of a table differ in their weights alone.

Being linear in the keys, Y = Q (K^T V) takes O(T D^2) time and memory O(T (ROWS + D)): passes without a mask use that,
unless weights are dropped or there are fewer queries than D, as when decoding. Others go block by block.
"""

import torch
from torch import Tensor

from reattend.attention import blockwise
from reattend.attention.base import Branches


class NON(blockwise.Blockwise):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds no parameters."""

    def rule(self, q: Tensor, k: Tensor, seen: Tensor) -> Tensor:
        return self.logits(q, k) / seen.sum(dim=-1, keepdim=True).to(q.dtype).sqrt()

    def forward(
        self, queries: Branches, keys: Branches, v: Tensor, *, causal: bool, mask: Tensor | None = None
    ) -> Tensor:
        q, k = queries[0], keys[0]
        if mask is not None or self._drops or q.shape[-2] < self.head_width:
            return super().forward(queries, keys, v, causal=causal, mask=mask)
        wide = torch.promote_types(q.dtype, torch.float32)
        with blockwise.full_precision(q):
            linear = _causal if causal else _whole
            return linear(q.to(wide) / self.head_width**0.5, k.to(wide), v.to(wide)).to(v.dtype)


def _whole(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return q @ (k.transpose(-2, -1) @ v) / k.shape[-2] ** 0.5


def _causal(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Each block of queries reads a sum over all earlier keys, [B, H, D, D], and its own keys one by one."""
    total = k.shape[-2]
    past = total - q.shape[-2]
    state = k[:, :, :past].transpose(-2, -1) @ v[:, :, :past]
    outputs = []
    parts = (x.split(blockwise.ROWS, dim=2) for x in (q, k[:, :, past:], v[:, :, past:]))
    for queries, keys, values in zip(*parts, strict=True):
        own = keys.transpose(-2, -1)
        outputs.append(queries @ state + (queries @ own).tril() @ values)
        state = state + own @ values
    seen = torch.arange(past + 1, total + 1, dtype=q.dtype, device=q.device)
    return torch.cat(outputs, dim=2) / seen.sqrt()[:, None]
