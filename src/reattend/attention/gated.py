"""Gated attention (Qiu et al., Gated Attention for Large Language Models, NeurIPS 2025, arXiv 2505.06708, gate G1).

    Y = softmax(Q K^T / sqrt(D)) V * sigmoid(X W_gate)

elementwise: a gate for each of the D numbers of each head, W_gate [HD, HD], the paper's best; headwise: one for each
head, W_gate [HD, H]. Rows of the scores sum to 1; after a headwise gate to the gate, in (0, 1).

Deviation: the paper makes the gate from the layer's input X; a mechanism sees q = X W_Q before positions, so the gate
is sigmoid(q W). These are the same functions of X while W_Q is invertible (a bias of W_Q becomes one of the
gate). No bias, as in the paper's code.

The gate acts on what a head has gathered: a cache policy ranks by the softmax, without the gate.
"""

from typing import Literal

import torch
from torch import Tensor

from reattend.attention.head_linear import HeadLinear
from reattend.attention.head_scalars import HeadScalars
from reattend.attention.softmax import Softmax


class Gated(Softmax):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds (HD)^2 parameters a layer, or H HD."""

    def __init__(
        self,
        *,
        heads: int,
        head_width: int,
        dropout: float = 0.0,
        gate: Literal["elementwise", "headwise"] = "elementwise",
    ) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        self.gate = (
            HeadScalars(heads=heads, head_width=head_width)
            if gate == "headwise"
            else HeadLinear(heads=heads, head_width=head_width, sharing="full", bias=False, start="default")
        )

    def finish(self, y: Tensor, q: Tensor, v: Tensor | None) -> Tensor:
        return y * torch.sigmoid(self.gate(q))
