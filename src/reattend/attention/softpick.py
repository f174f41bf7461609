"""Softpick (Zuhri et al., Softpick: No Attention Sink, No Massive Activations with Rectified Softmax, 2504.20966).

    S = Q K^T / sqrt(D),    W_j = relu(e^{S_j} - 1) / (sum_k |e^{S_k} - 1| + epsilon)

Weights are 0 where logits are not above 0, and rows sum to at most 1, to 0 where all logits are below 0. Hidden keys
are left out of the sum, where they would count 1 each. epsilon=1e-8, as in the authors' code, acts on a row of nothing
but zeros.

Computed as relu(e^{S - m} - e^{-m}) / (sum |e^{S - m} - e^{-m}| + epsilon) with m = max(0, the row's highest logit).
The authors take the highest logit itself, which agrees where any weight is above 0 and overflows in rows of very low
ones. They have a fused kernel for GPUs; here it is computed block by block.
"""

from torch import Tensor

from reattend.attention.blockwise import Blockwise


class Softpick(Blockwise):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds no parameters."""

    def rule(self, q: Tensor, k: Tensor, seen: Tensor) -> Tensor:
        logits = self.logits(q, k).masked_fill(~seen, 0.0)  # e^0 - 1 is nothing in the sum
        highest = logits.detach().amax(dim=-1, keepdim=True).clamp_min(0.0)  # which one hardly matters: no gradient
        powers = (logits - highest).exp() - (-highest).exp()
        return powers.relu() / (powers.abs().sum(dim=-1, keepdim=True) + 1e-8)
