"""Conventional attention (Vaswani et al., Attention Is All You Need, arXiv 1706.03762, eq. 1).

    P = softmax(Q K^T / sqrt(D)),    Y = P V

Rows of P are ordinary probabilities: entries in [0, 1], each row sums to 1. The baseline of every comparison.
"""

import torch
from torch import Tensor

from reattend.attention.base import Attention, Branches, probabilities


class Softmax(Attention):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds no parameters."""

    def forward(
        self, queries: Branches, keys: Branches, v: Tensor, *, causal: bool, mask: Tensor | None = None
    ) -> Tensor:
        return self.fused(queries[0], keys[0], v, causal=causal, mask=mask)

    def weights(self, queries: Branches, keys: Branches, *, causal: bool, mask: Tensor | None = None) -> Tensor:
        return probabilities(queries[0], keys[0], causal=causal, mask=mask)

    def mixture(self) -> Tensor:
        return torch.ones(1, self.heads)
