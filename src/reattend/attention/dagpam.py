"""Dual-attention generalized probabilistic attention (Heo & Choi, arXiv 2410.15578).

    P+  = softmax(Q+ K^T / sqrt(D))            ordinary attention
    Q-  = act(Q+) W_Q^-                        a second query made from the first; K and V are shared
    P-  = softmax(Q- K^T / sqrt(D))
    P_G = (1 + l+) P+  -  l- P-                entries in [-l-, 1 + l+], every row sums to 1 + l+ - l-
    Y   = P_G V

What the paper says: scores may be negative while each row's total is fixed; both branches are softmaxes; "two linear
layers, an activation, and lambda scalars" are added, under 0.84 % of the parameters on average; "trainable lambdas"
were its best variant on Penn Treebank.
Known at second hand: the formula of P_G, Q- = ReLU(Q+) W_Q^- with W_Q^- in R^{d_qk x d_qk}, shared keys and values.
Our reconstruction (no code was published; each is an option): W_Q^- is one matrix for all heads, with a bias, because
one matrix a head or a full d x d matrix exceeds the stated overhead; the second linear layer is taken to be one of
`negative_key` or `negative_query_layers=2`, both off by default; l+ = l- = 1 at the start, trained, one a layer; the
mask enters both softmaxes; Q- is rotated like Q+; dropout acts on each branch, not on P_G.

The fused path never builds P_G: Y = (1 + l+) SDPA(Q+, K, V) - l- SDPA(Q-, K, V). The cache is as large as
softmax's unless `negative_key` is used, which keeps a second key beside the first.
A row sum of 0 (l- = 1 + l+) makes the first causal token's output exactly 0, since it sees one key only.
"""

import math
import warnings
from collections.abc import Sequence
from typing import Literal, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reattend.attention.base import Attention, Branches, probabilities
from reattend.attention.difference import Difference
from reattend.attention.head_linear import HeadLinear, Sharing, Start
from reattend.settings import SettingError

Activation = Literal["relu", "identity", "tanh", "gelu"]
ACTIVATIONS = {"relu": F.relu, "identity": lambda x: x, "tanh": torch.tanh, "gelu": F.gelu}
CONSTRAINTS = {"none": lambda x: x, "softplus": F.softplus, "sigmoid": torch.sigmoid}
INVERSES = {
    "none": lambda y: y,
    "softplus": lambda y: y + torch.log(-torch.expm1(-y)),
    "sigmoid": torch.logit,
}


class DaGPAM(Attention):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds D (D + 1) + 1 parameters a layer by default."""

    def __init__(
        self,
        *,
        heads: int,
        head_width: int,
        dropout: float = 0.0,
        negative_query: Sharing = "head_shared",
        negative_query_layers: Literal[1, 2] = 1,
        negative_query_init: Start = "default",
        activation: Activation = "relu",
        bias: bool = True,
        negative_key: Literal["none", "head_shared", "per_head", "full"] = "none",
        lambda_mode: Literal["affine", "scaled_affine"] = "affine",
        lambda_init: float = 1.0,
        lambda_negative_init: float | None = None,
        lambda_trainable: bool = True,
        lambda_scope: Literal["model", "layer", "head"] = "layer",
        lambda_constraint: Literal["none", "softplus", "sigmoid"] = "none",
    ) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        if lambda_mode == "affine" and lambda_negative_init is not None:
            raise SettingError(
                "attention.lambda_negative_init",
                lambda_negative_init,
                "null, since affine ties l- to l+",
                "Leave it out, or set attention.lambda_mode=scaled_affine.",
            )

        def linear(sharing: Sharing, start: Start) -> HeadLinear:
            return HeadLinear(heads=heads, head_width=head_width, sharing=sharing, bias=bias, start=start)

        self.activation = activation
        self.lambda_scope, self.lambda_constraint = lambda_scope, lambda_constraint
        self.query_maps = nn.ModuleList(
            linear(negative_query, negative_query_init) for _ in range(negative_query_layers)
        )
        self.key_map = None if negative_key == "none" else linear(negative_key, "identity")
        size = heads if lambda_scope == "head" else 1
        self.raw_positive = self._scalar("attention.lambda_init", lambda_init, size, lambda_trainable)
        second = lambda_init if lambda_negative_init is None else lambda_negative_init
        if lambda_mode == "affine":
            self.raw_negative = self.raw_positive
        else:
            self.raw_negative = self._scalar("attention.lambda_negative_init", second, size, lambda_trainable)
        if math.isclose(1 + lambda_init, second, rel_tol=1e-5):
            warnings.warn("1 + lambda+ = lambda-: rows sum to 0, the first token's attention output is 0", stacklevel=2)

    def _scalar(self, setting: str, value: float, size: int, trainable: bool) -> nn.Parameter:
        raw = INVERSES[self.lambda_constraint](torch.tensor(value, dtype=torch.float64, device="cpu"))
        if not torch.isfinite(raw):
            ranges = {"softplus": "a number above 0", "sigmoid": "a number between 0 and 1"}
            expected = ranges[self.lambda_constraint] + f" under attention.lambda_constraint={self.lambda_constraint}"
            raise SettingError(setting, value, expected, f"Change {setting} or drop the constraint.")
        full = torch.full((size, 1, 1), raw.item(), dtype=torch.get_default_dtype())
        return nn.Parameter(full, requires_grad=trainable)

    @classmethod
    def tie(cls, layers: Sequence[Self]) -> None:
        first = layers[0]
        if first.lambda_scope == "model":
            for layer in layers[1:]:
                layer.raw_positive, layer.raw_negative = first.raw_positive, first.raw_negative

    def lambdas(self) -> tuple[Tensor, Tensor]:
        """(l+, l-), each [1, 1, 1] or [H, 1, 1], as they enter P_G."""
        constrain = CONSTRAINTS[self.lambda_constraint]
        return constrain(self.raw_positive), constrain(self.raw_negative)

    def learned(self) -> dict[str, list[float]]:
        positive, negative = self.lambdas()
        return {
            "lambda_positive": positive.flatten().tolist(),
            "lambda_negative": negative.flatten().tolist(),
        }

    def branches(self, q: Tensor, k: Tensor) -> tuple[Branches, Branches]:
        act = ACTIVATIONS[self.activation]
        *first, last = self.query_maps  # one layer: act(Q+) W; two: act(Q+ W1) W2
        negative = q
        for linear in first:
            negative = linear(negative)
        negative = last(act(negative))
        return (q, negative), (k,) if self.key_map is None else (k, self.key_map(k))

    def forward(
        self, queries: Branches, keys: Branches, v: Tensor, *, causal: bool, mask: Tensor | None = None
    ) -> Tensor:
        positive, negative = self.lambdas()
        plus = self.fused(queries[0], keys[0], v, causal=causal, mask=mask)
        minus = self.fused(queries[1], keys[-1], v, causal=causal, mask=mask)
        return Difference.apply(plus, minus, 1 + positive, negative).to(v.dtype)

    def mixture(self) -> Tensor:
        positive, negative = (scalar.flatten().expand(self.heads) for scalar in self.lambdas())
        return torch.stack([1 + positive, -negative])  # [2, H]

    def weights(self, queries: Branches, keys: Branches, *, causal: bool, mask: Tensor | None = None) -> Tensor:
        positive, negative = self.lambdas()
        plus = probabilities(queries[0], keys[0], causal=causal, mask=mask)
        return (1 + positive) * plus - negative * probabilities(queries[1], keys[-1], causal=causal, mask=mask)
