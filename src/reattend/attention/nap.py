"""Normalised attention pooling, NAP (Richter & Wattenhofer, Normalized Attention Without Probability Cage, 2005.09561).

    A = Q K^T                                                 not divided by sqrt(D)
    W = g (A - mean A) / (std A + 0.001) + b                  mean and std of each row over its visible keys

g and b are learned, one a head, 1 and 0 at the start. Rows sum to n b, n being the number of visible keys, so they sum
to 0 at the start; a query that sees one key gives it the weight b.

Deviations from the authors' code: the LayerNorm over all heads and the GELU between Y and W_O of their block are left
out, so that rows of a table differ in their weights alone. The norm of the surrounding block is the model's own.
A row's mean and std need all its logits, so it is computed block by block.
"""

import torch
from torch import Tensor, nn

from reattend.attention.blockwise import Blockwise, deviations


class NAP(Blockwise):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds 2 H parameters a layer."""

    def __init__(self, *, heads: int, head_width: int, dropout: float = 0.0) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        self.gain = nn.Parameter(torch.ones(heads, 1, 1))
        self.bias = nn.Parameter(torch.zeros(heads, 1, 1))

    def rule(self, q: Tensor, k: Tensor, seen: Tensor) -> Tensor:
        centred, variance = deviations(q @ k.transpose(-2, -1), seen)
        std = variance.clamp_min(1e-12).sqrt()  # the slope of a root is infinite at 0, where one key is visible
        return self.gain * centred / (std + 0.001) + self.bias

    def learned(self) -> dict[str, list[float]]:
        return {"gain": self.gain.flatten().tolist(), "bias": self.bias.flatten().tolist()}
