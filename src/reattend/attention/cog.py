"""Cog attention (Lv et al., More Expressive Attention with Negative Weights, arXiv 2411.07176).

    S = Q K^T / sqrt(D),    W = sign(S) * softmax(|S|)

Weights are negative where logits are; the absolute values of a row sum to 1 (a logit of exactly 0 counts in the sum and
gets the weight 0). W jumps where a logit changes its sign, so nothing is learned from the sign itself.

As in the authors' code, the mask comes after the absolute value, and the first and the last layer of a model are
conventional attention (vanilla_ends). Their models are decoders with RMSNorm; ours keeps the norm of the surrounding
model, and in an encoder-decoder the ends are the encoder's first layer and the last cross-attention.
No fused kernel has a sign beside its softmax, so it is computed block by block; conventional layers by a fused one.
"""

import warnings
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from reattend.attention.base import Branches, probabilities
from reattend.attention.blockwise import Blockwise


class Cog(Blockwise):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds no parameters."""

    def __init__(self, *, heads: int, head_width: int, dropout: float = 0.0, vanilla_ends: bool = True) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        self.vanilla_ends = vanilla_ends
        self.vanilla = False  # a mechanism alone is no end of a model

    @classmethod
    def tie(cls, layers: Sequence[Self]) -> None:
        if layers[0].vanilla_ends:
            layers[0].vanilla = layers[-1].vanilla = True
            if len(layers) <= 2:
                told = f"Cog attention in {len(layers)} layers is softmax in all, as attention.vanilla_ends is true"
                warnings.warn(told, stacklevel=2)

    def rule(self, q: Tensor, k: Tensor, seen: Tensor) -> Tensor:
        logits = self.logits(q, k)
        return logits.sign() * logits.abs().masked_fill(~seen, -torch.inf).softmax(dim=-1)

    def weights(self, queries: Branches, keys: Branches, *, causal: bool, mask: Tensor | None = None) -> Tensor:
        if self.vanilla:
            return probabilities(queries[0], keys[0], causal=causal, mask=mask)
        return super().weights(queries, keys, causal=causal, mask=mask)

    def forward(
        self, queries: Branches, keys: Branches, v: Tensor, *, causal: bool, mask: Tensor | None = None
    ) -> Tensor:
        if self.vanilla:
            return self.fused(queries[0], keys[0], v, causal=causal, mask=mask)
        return super().forward(queries, keys, v, causal=causal, mask=mask)
