"""Sigmoid attention (Ramapuram et al., Theory, Analysis, and Best Practices for Sigmoid Self-Attention, 2409.04431).

    S = Q K^T / sqrt(D),    W = sigmoid(S + b),    b = -log n

Each weight is in (0, 1) by itself; rows have any sum, near 1 for small logits: n sigmoid(-log n) = n / (n + 1).

n is the number of keys that a query sees. The paper has one b for all positions, -log of the context's length: give
`bias` that number. Ours is the default because it starts every row near 1 and needs no length. The paper's positions
(ALiBi), LayerScale and norms belong to the surrounding model and are not part of this.
There is a fused kernel for GPUs by the authors; here it is computed block by block.
"""

from torch import Tensor

from reattend.attention.blockwise import Blockwise


class Sigmoid(Blockwise):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds no parameters."""

    def __init__(self, *, heads: int, head_width: int, dropout: float = 0.0, bias: float | None = None) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        self.bias = bias

    def rule(self, q: Tensor, k: Tensor, seen: Tensor) -> Tensor:
        logits = self.logits(q, k)
        bias = -seen.sum(dim=-1, keepdim=True).to(logits.dtype).log() if self.bias is None else self.bias
        return (logits + bias).sigmoid()
