"""Control: one softmax, then a linear map of its output with as many parameters as daGPAM's W_Q^- has.

    Y = softmax(Q K^T / sqrt(D)) V W + b,    W [D, D] for all heads, I at the start; b = 0 at the start

Rows sum to 1. W and b could be absorbed by W_O, so this computes what softmax can: what it gains is owed to how it is
trained, and what daGPAM gains over it is not owed to a further linear layer. Asked for by the reviews of arXiv
2410.15578 ("a single softmax followed by a linear map"), where no formula is given; this is ours. daGPAM has one
parameter a layer more, lambda.
"""

from torch import Tensor

from reattend.attention.head_linear import HeadLinear, Sharing
from reattend.attention.softmax import Softmax


class SoftmaxLinear(Softmax):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds D (D + 1) parameters a layer by default."""

    def __init__(
        self,
        *,
        heads: int,
        head_width: int,
        dropout: float = 0.0,
        sharing: Sharing = "head_shared",
        bias: bool = True,
    ) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        self.map = HeadLinear(heads=heads, head_width=head_width, sharing=sharing, bias=bias, start="identity")

    def finish(self, y: Tensor, q: Tensor, v: Tensor | None) -> Tensor:
        mapped: Tensor = self.map(y)
        return mapped
