"""Compositional de-attention, CoDA (Tay et al., Compositional De-Attention Networks, NeurIPS 2019).

    W = tanh(Q K^T / sqrt(D)) * gate(G),    G_ij = -|q_i - k_j|_1 / sqrt(D)
    gate(G) = 2 sigmoid(G)                   centring=scale, in (0, 1]
              sigmoid(G - mean G)            centring=mean, in (0, 1), the mean of each row over its visible keys
              sigmoid(G)                     centring=none, in (0, 1/2]

A token is added, subtracted or, where query and key are far apart, left out: weights lie in (-1, 1), rows have any sum.

Known at second hand (a port, and memory of the paper): the formula and that G <= 0 calls for one of the two centrings.
Deviations: the mean is one of each row, since one of the whole matrix would show a query what comes after it; q and k
are compared after positions were applied, in both factors. A rotation keeps products and not sums of absolute
differences, so that with rotary positions the gate depends on where a pair stands, not only on how far apart.
Such sums are no matrix product either: it is computed block by block, in O(T S D) plain operations.
"""

from typing import Literal

import torch
from torch import Tensor

from reattend.attention.blockwise import Blockwise, deviations


class CoDA(Blockwise):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds no parameters."""

    def __init__(
        self,
        *,
        heads: int,
        head_width: int,
        dropout: float = 0.0,
        centring: Literal["scale", "mean", "none"] = "scale",
    ) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        self.centring = centring

    def rule(self, q: Tensor, k: Tensor, seen: Tensor) -> Tensor:
        distance = torch.cdist(q.contiguous(), k.contiguous(), p=1.0) / self.head_width**0.5
        affinity = self.logits(q, k).tanh()
        if self.centring == "mean":
            return affinity * deviations(-distance, seen)[0].sigmoid()
        factor = 2.0 if self.centring == "scale" else 1.0
        return factor * affinity * torch.sigmoid(-distance)
