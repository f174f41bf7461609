"""NormSoftmax (Jiang et al., NormSoftmax: Normalizing the Input of Softmax to Accelerate and Stabilize Training, 2023).

    S = Q K^T / sqrt(D),    W = softmax(S / min(std S, 1))  =  softmax(Q K^T / min(std(Q K^T), sqrt(D)))

std is that of each row over its visible keys. Logits that hardly differ are spread to unit variance; those that
differ more are left as conventional attention has them, or with cap=false brought to unit variance as well, as the
abstract says. Rows are probabilities.

Known at second hand: the form with min. Ours: the std is that of the population, not of a sample, and at least 0.001,
so that it is not rounding that is spread, and so that one visible key or equal logits are no division by 0.
A row is scaled by what all of its keys are, so it is computed block by block, not by a fused softmax.
"""

import torch
from torch import Tensor

from reattend.attention.blockwise import Blockwise, deviations


class NormSoftmax(Blockwise):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds no parameters."""

    def __init__(self, *, heads: int, head_width: int, dropout: float = 0.0, cap: bool = True) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        self.cap = cap

    def rule(self, q: Tensor, k: Tensor, seen: Tensor) -> Tensor:
        centred, variance = deviations(self.logits(q, k), seen)  # a softmax does not mind what is subtracted of a row
        std = variance.clamp(1e-6, 1.0 if self.cap else None).sqrt()
        return (centred / std).masked_fill(~seen, -torch.inf).softmax(dim=-1)
