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

import warnings
from collections.abc import Sequence
from typing import Any, Literal, Self

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from reattend.attention.base import Attention, Branches, probabilities
from reattend.settings import SettingError

Activation = Literal["relu", "identity", "tanh", "gelu"]
Sharing = Literal["head_shared", "per_head", "full"]
Start = Literal["default", "identity", "negative_identity"]
ACTIVATIONS = {"relu": F.relu, "identity": lambda x: x, "tanh": torch.tanh, "gelu": F.gelu}
CONSTRAINTS = {"none": lambda x: x, "softplus": F.softplus, "sigmoid": torch.sigmoid}
INVERSES = {
    "none": lambda y: y,
    "softplus": lambda y: y + torch.log(-torch.expm1(-y)),
    "sigmoid": torch.logit,
}


class HeadLinear(nn.Module):
    """x W + b on [B, H, T, D]: W is [D, D] for all heads, [H, D, D] one a head, or [HD, HD] across heads."""

    def __init__(self, *, heads: int, head_width: int, sharing: Sharing, bias: bool, start: Start) -> None:
        super().__init__()
        self.sharing, self.start = sharing, start
        groups, width = {
            "head_shared": (1, head_width),
            "per_head": (heads, head_width),
            "full": (1, heads * head_width),
        }[sharing]
        self.weight = nn.Parameter(torch.empty(groups, width, width))  # [G, in, out]
        self.bias = nn.Parameter(torch.zeros(groups, 1, width)) if bias else None
        self.initialise(torch.default_generator)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """`default` keeps the variance of its input, as for any linear map without its activation."""
        width = self.weight.shape[-1]
        if self.start == "default":
            self.weight.normal_(0.0, width**-0.5, generator=generator)
        else:
            sign = 1.0 if self.start == "identity" else -1.0
            self.weight.copy_(sign * torch.eye(width).expand_as(self.weight))

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)  # [B, T, H, D], the order in which the projections left it: no copy
        if self.sharing == "per_head":
            y = torch.einsum("bthi,hio->btho", x, self.weight)
            y = y if self.bias is None else y + self.bias.squeeze(1)
        else:
            bias = None if self.bias is None else self.bias.flatten()
            whole = x.flatten(2, 3) if self.sharing == "full" else x
            y = F.linear(whole, self.weight[0].T, bias).view_as(x)
        return y.transpose(1, 2)


class Difference(Function):
    """a x - b y for x, y [B, H, T, D] and a, b [G, 1, 1], G being 1 or H.

    Written out because autograd would read and write these large tensors twice as often as is needed.
    float32 factors lift a bfloat16 difference, where cancellation would cost digits, to float32.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(x, y, a, b)
        return (a * x).addcmul_(b, y, value=-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        x, y, a, b = ctx.saved_tensors

        def product(z: Tensor) -> Tensor:
            """The sum of grad * z over all but G, [G, 1, 1]; in the order in memory, [B, T, H, D], so without copies."""
            groups = (t.transpose(1, 2).chunk(len(a), dim=2) for t in (grad, z.to(grad.dtype)))
            return torch.stack([g.flatten().dot(part.flatten()) for g, part in zip(*groups, strict=True)]).view_as(a)

        to_a = product(x) if ctx.needs_input_grad[2] else None
        to_b = -product(y) if ctx.needs_input_grad[3] else None
        return (a * grad).to(x.dtype), (-b * grad).to(y.dtype), to_a, to_b


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

        self.activation, self.lambda_scope, self.lambda_constraint = (
            activation,
            lambda_scope,
            lambda_constraint,
        )
        self.query_maps = nn.ModuleList(
            linear(negative_query, negative_query_init) for _ in range(negative_query_layers)
        )
        self.key_map = None if negative_key == "none" else linear(negative_key, "identity")
        size = heads if lambda_scope == "head" else 1
        self.raw_positive = self._scalar("attention.lambda_init", lambda_init, size, lambda_trainable)
        if lambda_mode == "affine":
            self.raw_negative = self.raw_positive
        else:
            second = lambda_init if lambda_negative_init is None else lambda_negative_init
            self.raw_negative = self._scalar("attention.lambda_negative_init", second, size, lambda_trainable)
        positive, negative = self.lambdas()
        if torch.allclose(1 + positive, negative):
            warnings.warn("1 + lambda+ = lambda-: rows sum to 0, the first token's attention output is 0", stacklevel=2)

    def _scalar(self, setting: str, value: float, size: int, trainable: bool) -> nn.Parameter:
        raw = INVERSES[self.lambda_constraint](torch.tensor(value, dtype=torch.float64))
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

    def weights(self, queries: Branches, keys: Branches, *, causal: bool, mask: Tensor | None = None) -> Tensor:
        positive, negative = self.lambdas()
        plus = probabilities(queries[0], keys[0], causal=causal, mask=mask)
        return (1 + positive) * plus - negative * probabilities(queries[1], keys[-1], causal=causal, mask=mask)
