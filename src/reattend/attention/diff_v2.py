"""Differential attention, second version (Ye et al., Differential Transformer V2; code in microsoft/unilm).

    P1 = softmax(Q1 K^T / sqrt(D)),    P2 = softmax(Q2 K^T / sqrt(D))        twice the queries, shared K and V
    Y  = P1 V - l P2 V,    l = sigmoid(X w_h), one for each head and token

Entries in (-1, 1), rows sum to 1 - l. Unlike the first version there is no norm of heads and no start value by depth;
unlike daGPAM the second query is a map of its own of the input and l depends on the token.

Deviation: the code makes Q2 and l from the layer's input X; a mechanism sees Q1 = X W_Q before positions, so
Q2 = Q1 W, W [HD, HD], and l = sigmoid(Q1 w_h). These are the same functions of X while W_Q is invertible. Q2 is
rotated like Q1, l is not.

Scores are no fixed mixture of softmaxes, as l is the query's: no cache policy ranks by them.
"""

import torch
from torch import Tensor

from reattend.attention.base import Attention, Branches, probabilities
from reattend.attention.head_linear import HeadLinear
from reattend.attention.head_scalars import HeadScalars


class DiffV2(Attention):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds (HD)^2 + H HD parameters a layer."""

    unturned = 1  # the logit of l, [B, H, T, 1]

    def __init__(self, *, heads: int, head_width: int, dropout: float = 0.0) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        self.second_query = HeadLinear(heads=heads, head_width=head_width, sharing="full", bias=False, start="default")
        self.lambda_logit = HeadScalars(heads=heads, head_width=head_width)

    def branches(self, q: Tensor, k: Tensor) -> tuple[Branches, Branches]:
        return (q, self.second_query(q), self.lambda_logit(q)), (k,)

    def forward(
        self, queries: Branches, keys: Branches, v: Tensor, *, causal: bool, mask: Tensor | None = None
    ) -> Tensor:
        first, second = (self.fused(q, keys[0], v, causal=causal, mask=mask) for q in queries[:2])
        return (first - _share(queries[2]) * second).to(v.dtype)

    def weights(self, queries: Branches, keys: Branches, *, causal: bool, mask: Tensor | None = None) -> Tensor:
        first, second = (probabilities(q, keys[0], causal=causal, mask=mask) for q in queries[:2])
        return first - _share(queries[2]) * second


def _share(logit: Tensor) -> Tensor:
    """l in float32 at least, which lifts a bfloat16 difference, where cancellation would cost digits."""
    return logit.to(torch.promote_types(logit.dtype, torch.float32)).sigmoid()
