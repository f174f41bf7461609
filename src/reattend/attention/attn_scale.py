"""AttnScale (Wang et al., Anti-Oversmoothing in Deep Vision Transformers, ICLR 2022, arXiv 2203.05962).

    P = softmax(Q K^T / sqrt(D)),    U = 1 / n at each of the n visible keys
    A = U + (1 + w_h) (P - U),       Y = A V,        w_h trained, one a head, 0 at the start

The mean over the keys passes as it is and what deviates from it is amplified. Rows sum to 1; for w > 0 entries may be
negative, down to -w / n: it is daGPAM with lambda = w and the second softmax made uniform.

Deviation: the paper's U is over all tokens of an image; here it is over the visible ones, so that A is causal. Dropout
acts on P alone, the paper's on A.

Two branches for a cache policy: the query and one of zeros, whose softmax is U. Cost: a running mean of V beside
softmax, and no [T, T] without a mask.
"""

import torch
from torch import Tensor, nn

from reattend.attention.base import Attention, Branches, probabilities
from reattend.attention.difference import Difference
from reattend.attention.visible_mean import uniform, visible_mean


class AttnScale(Attention):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds H parameters a layer."""

    unturned = 1  # zeros at any position

    def __init__(self, *, heads: int, head_width: int, dropout: float = 0.0, start: float = 0.0) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        self.scale = nn.Parameter(torch.full((heads, 1, 1), start))

    def branches(self, q: Tensor, k: Tensor) -> tuple[Branches, Branches]:
        return (q, q.new_zeros(()).expand_as(q)), (k,)

    def forward(
        self, queries: Branches, keys: Branches, v: Tensor, *, causal: bool, mask: Tensor | None = None
    ) -> Tensor:
        y = self.fused(queries[0], keys[0], v, causal=causal, mask=mask)
        mean = visible_mean(v, queries=y.shape[2], causal=causal, mask=mask).expand_as(y)
        return Difference.apply(y, mean, 1 + self.scale, self.scale).to(v.dtype)

    def weights(self, queries: Branches, keys: Branches, *, causal: bool, mask: Tensor | None = None) -> Tensor:
        p = probabilities(queries[0], keys[0], causal=causal, mask=mask)
        u = uniform(queries[0], keys[0], causal=causal, mask=mask)
        return u + (1 + self.scale) * (p - u)

    def mixture(self) -> Tensor:
        w = self.scale.flatten()
        return torch.stack([1 + w, -w])  # [2, H]

    def learned(self) -> dict[str, list[float]]:
        return {"scale": self.scale.flatten().tolist()}
