"""Value skip: the identity part of shaped attention alone (value-SkipInit, He et al., Deep Transformers without
Shortcuts, arXiv 2302.10322; also in He & Hofmann, Simplifying Transformer Blocks, arXiv 2311.01906).

    P = softmax(Q K^T / sqrt(D)),    Y_t = (P V)_t + beta_h V_t,    beta_h trained, one a head

Every token gives on its own value beside what it looks at: rows sum to 1 + beta.

Deviation: the papers' form is alpha I + beta P with alpha = 1, beta = 0 at the start, in blocks without a skip around
attention. Here the block keeps its skip, P keeps its weight of 1, whose scale W_O can learn, and beta starts at 1. In
cross-attention a query has no value of its own, and this is softmax.

beta V_t is added whatever a cache keeps: `weights` and the ranks of a cache policy are those of P.
"""

import torch
from torch import Tensor, nn

from reattend.attention.softmax import Softmax


class ValueSkip(Softmax):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds H parameters a layer."""

    def __init__(self, *, heads: int, head_width: int, dropout: float = 0.0, start: float = 1.0) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        self.skip = nn.Parameter(torch.full((heads, 1, 1), start))

    def finish(self, y: Tensor, q: Tensor, v: Tensor | None) -> Tensor:
        return y if v is None else (y + self.skip * v).to(y.dtype)

    def learned(self) -> dict[str, list[float]]:
        return {"skip": self.skip.flatten().tolist()}
