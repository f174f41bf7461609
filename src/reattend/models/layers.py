"""The Transformer block around an attention mechanism: projections, feed-forward, normalisation, residual path."""

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from reattend.attention import Attention
from reattend.cache.base import LayerState
from reattend.models.positions import rotate

Norm = Literal["pre", "post"]


class SelfAttention(nn.Module):
    """X -> mechanism(X W_Q, X W_K, X W_V) W_O, causal."""

    def __init__(self, *, width: int, mechanism: Attention, bias: bool) -> None:
        super().__init__()
        self.mechanism = mechanism
        self.inputs = nn.Linear(width, 3 * width, bias=bias)  # W_Q, W_K, W_V side by side: one large product
        self.output = nn.Linear(width, width, bias=bias)

    def forward(self, x: Tensor, *, angles: Tensor | None, state: LayerState | None) -> Tensor:
        b, t, width = x.shape
        heads = self.mechanism.heads
        q, k, v = (y.view(b, t, heads, -1).transpose(1, 2) for y in self.inputs(x).chunk(3, dim=-1))  # [B, H, T, D]
        queries, keys = self.mechanism.branches(q, k)
        queries = tuple(rotate(branch, angles) for branch in queries)
        keys = tuple(rotate(branch, angles) for branch in keys)
        if state is not None:
            y = state.attend(self.mechanism, queries, keys, v)
        else:  # every block of queries reads all keys and values of its head: faster where they lie together
            keys, v = tuple(branch.contiguous() for branch in keys), v.contiguous()
            y = self.mechanism(queries, keys, v, causal=True)
        return self.output(y.transpose(1, 2).reshape(b, t, width))


class FeedForward(nn.Module):
    """X -> GELU(X W_up) W_down."""

    def __init__(self, *, width: int, inner: int, bias: bool) -> None:
        super().__init__()
        self.up = nn.Linear(width, inner, bias=bias)
        self.down = nn.Linear(inner, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(F.gelu(self.up(x)))


class Block(nn.Module):
    """pre: x + f(LN(x)), trains deep models without warm-up; post: LN(x + f(x)), as in the first Transformer."""

    def __init__(self, *, width: int, inner: int, mechanism: Attention, norm: Norm, dropout: float, bias: bool) -> None:
        super().__init__()
        self.norm, self.dropout = norm, nn.Dropout(dropout)
        self.attention = SelfAttention(width=width, mechanism=mechanism, bias=bias)
        self.feed_forward = FeedForward(width=width, inner=inner, bias=bias)
        self.attention_norm = nn.LayerNorm(width, bias=bias)
        self.feed_forward_norm = nn.LayerNorm(width, bias=bias)

    def forward(self, x: Tensor, *, angles: Tensor | None, state: LayerState | None) -> Tensor:
        if self.norm == "pre":
            x = x + self.dropout(self.attention(self.attention_norm(x), angles=angles, state=state))
            return x + self.dropout(self.feed_forward(self.feed_forward_norm(x)))
        x = self.attention_norm(x + self.dropout(self.attention(x, angles=angles, state=state)))
        return self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
