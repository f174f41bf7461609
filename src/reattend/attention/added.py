"""Control: daGPAM's second softmax, added instead of subtracted, with the same parameters.

    P = (1 - l) softmax(Q K^T / sqrt(D)) + l softmax(act(Q) W K^T / sqrt(D)),    l = sigmoid(r), r trained

Entries in [0, 1], rows sum to 1: a convex mixture. What daGPAM gains over it is owed to the sign, not to a second
softmax or its parameters. Asked for by the reviews of arXiv 2410.15578, where no formula is given; this is ours.

It is daGPAM with l+ = l- = -l, so l must stay within (0, 1): free, it could learn to be daGPAM. l starts at 1/3:
daGPAM's weights at its start, 2 and -1, without the sign and scaled to a sum of 1. At one seed W starts
with the numbers of daGPAM's W_Q^-.
"""

from typing import Literal

from torch import Tensor

from reattend.attention.dagpam import Activation, DaGPAM
from reattend.attention.head_linear import Sharing, Start
from reattend.settings import SettingError


class Added(DaGPAM):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds D (D + 1) + 1 parameters a layer by default, as daGPAM."""

    def __init__(
        self,
        *,
        heads: int,
        head_width: int,
        dropout: float = 0.0,
        second_query: Sharing = "head_shared",
        second_query_init: Start = "default",
        activation: Activation = "relu",
        bias: bool = True,
        lambda_init: float = 0.3333,
        lambda_scope: Literal["model", "layer", "head"] = "layer",
    ) -> None:
        if not 0 < lambda_init < 1:
            raise SettingError(
                "attention.lambda_init", lambda_init, "a number between 0 and 1, both excluded", "Choose 0.3333."
            )
        super().__init__(
            heads=heads,
            head_width=head_width,
            dropout=dropout,
            negative_query=second_query,
            negative_query_init=second_query_init,
            activation=activation,
            bias=bias,
            lambda_init=lambda_init,
            lambda_scope=lambda_scope,
            lambda_constraint="sigmoid",
        )

    def lambdas(self) -> tuple[Tensor, Tensor]:
        positive, negative = super().lambdas()
        return -positive, -negative

    def learned(self) -> dict[str, list[float]]:
        return {"lambda": self.raw_positive.sigmoid().flatten().tolist()}
