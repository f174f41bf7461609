"""The entry-wise L1 norm of the map from logits to attention weights: sum_ij |dP_i / dA_j| for a row of A and P.

For softmax it is 2 (1 - sum_i p_i^2), largest at the uniform distribution, 2 (1 - 1/n): where tokens have become
alike, a softmax hands back the most gradient (Heo & Choi, arXiv 2410.15578). Their result for daGPAM assumes
A- = -A+. Here nothing is assumed: logit j is moved by the least change of key j that moves it,

    k_j  ->  k_j + e sqrt(D) q / |q|^2        A+_j -> A+_j + e,    A-_j -> A-_j + e (q- . q) / |q|^2

and the derivative is that of the mechanism's own `weights`, whatever else it makes of that key (a second branch, a
distance). So for softmax it is 2 (1 - sum p^2), and with J(p) = diag(p) - p p^T it is that of (1 + l+) J(P+) + l- J(P-)
where Q- = -Q+, and of (1 + l+ - l-) J(P+) where Q- = Q+. A is q k^T / sqrt(D), the conventional logits, for all
mechanisms alike.

Deviation: keys of further branches (daGPAM's `negative_key`) stay as they are. Key j moves in all heads at once, so
that a mechanism which joins two heads shows what both do.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from reattend.attention import Attention
from reattend.attention.base import Branches


def jacobian_norm(
    mechanism: Attention, queries: Branches, keys: Branches, *, causal: bool, rows: Sequence[int]
) -> Tensor:
    """[B], mean over heads and the queries at these places; memory O(B S S D) a head."""
    norms = [_of_row(mechanism, queries, keys, row, causal=causal) for row in rows]
    return torch.stack(norms).mean(dim=0)


@torch.enable_grad()
def _of_row(mechanism: Attention, queries: Branches, keys: Branches, row: int, *, causal: bool) -> Tensor:
    if causal:  # the query is the last of its keys
        keys = tuple(k[:, :, : row + 1] for k in keys)
    batch, heads, count, width = keys[0].shape
    # a copy of the row for every weight i, so that one backward pass gives dP_i / dA_j of a head for all i and j
    first, *others = (k.detach().repeat_interleave(count, dim=0) for k in keys)  # [B * n, H, n, D]
    copies = tuple(q[:, :, row : row + 1].detach().repeat_interleave(count, dim=0) for q in queries)
    q = copies[0]
    step = width**0.5 * q / q.square().sum(dim=-1, keepdim=True)  # [B * n, H, 1, D]
    logits = torch.zeros(batch * count, 1, count, 1, dtype=q.dtype, device=q.device, requires_grad=True)
    weights = mechanism.weights(copies, (first + logits * step, *others), causal=causal)  # [B * n, H, 1, n]
    each = weights.view(batch, count, heads, count).diagonal(dim1=1, dim2=3)  # [B, H, n]
    total = torch.zeros(batch, dtype=q.dtype, device=q.device)
    for head in range(heads):
        (jacobian,) = torch.autograd.grad(each[:, head].sum(), logits, retain_graph=True)  # [B * n, 1, n, 1]
        total += jacobian.abs().view(batch, -1).sum(dim=1)
    return total / heads
