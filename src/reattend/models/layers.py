"""The Transformer block around an attention mechanism: projections, feed-forward, normalisation, residual path."""

from collections.abc import Callable
from functools import partial
from typing import Any, Literal, Protocol

from torch import Tensor, nn
from torch.nn import functional as F

from reattend.attention import Attention
from reattend.attention.base import Branches
from reattend.models.positions import rotate

Norm = Literal["pre", "post"]
Activation = Literal["relu", "gelu"]
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "gelu": F.gelu}
KeysValues = tuple[Branches, Tensor]  # each [B, H, S, D]


class Past(Protocol):
    """What self-attention asks of a state: take in new keys and values, and attend to all that are kept."""

    def attend(self, mechanism: Attention, queries: Branches, keys: Branches, v: Tensor) -> Tensor:
        """Outputs [B, H, T, D] of T new tokens."""


class SelfAttention(nn.Module):
    """X -> mechanism(X W_Q, X W_K, X W_V) W_O."""

    def __init__(self, *, width: int, mechanism: Attention, bias: bool) -> None:
        super().__init__()
        self.mechanism = mechanism
        self.inputs = nn.Linear(width, 3 * width, bias=bias)  # W_Q, W_K, W_V side by side: one large product
        self.output = nn.Linear(width, width, bias=bias)

    def forward(
        self, x: Tensor, *, angles: Tensor | None, state: Past | None, causal: bool = True, mask: Tensor | None = None
    ) -> Tensor:
        q, k, v = split(self.inputs(x), 3, heads=self.mechanism.heads)
        queries, keys = self.mechanism.branches(q, k)
        turned = len(queries) - self.mechanism.unturned
        queries = (*(rotate(branch, angles) for branch in queries[:turned]), *queries[turned:])
        keys = tuple(rotate(branch, angles) for branch in keys)
        if state is not None:
            y = state.attend(self.mechanism, queries, keys, v)
        else:  # every block of queries reads all keys and values of its head: faster where they lie together
            keys, v = tuple(branch.contiguous() for branch in keys), v.contiguous()
            y = self.mechanism(queries, keys, v, causal=causal, mask=mask)
        y = self.mechanism.finish(y, q, v)
        return self.output(y.transpose(1, 2).reshape(x.shape))


class CrossAttention(nn.Module):
    """X, Z -> mechanism(X W_Q, Z W_K, Z W_V) W_O: the tokens of a target look at those of its source."""

    def __init__(self, *, width: int, mechanism: Attention, bias: bool) -> None:
        super().__init__()
        self.mechanism = mechanism
        self.query = nn.Linear(width, width, bias=bias)
        self.memory = nn.Linear(width, 2 * width, bias=bias)  # W_K, W_V side by side
        self.output = nn.Linear(width, width, bias=bias)

    def read(self, source: Tensor) -> KeysValues:
        """Keys and values of Z [B, S, width]: once a sentence, however many tokens look at them."""
        k, v = split(self.memory(source), 2, heads=self.mechanism.heads)
        _, keys = self.mechanism.branches(k[:, :, :1], k)  # keys depend on k alone: any query will do
        return tuple(branch.contiguous() for branch in keys), v.contiguous()

    def forward(self, x: Tensor, *, memory: KeysValues, mask: Tensor | None) -> Tensor:
        (q,) = split(self.query(x), 1, heads=self.mechanism.heads)
        queries, _ = self.mechanism.branches(q, q)  # likewise
        y = self.mechanism.finish(self.mechanism(queries, *memory, causal=False, mask=mask), q, None)
        return self.output(y.transpose(1, 2).reshape(x.shape))


def split(x: Tensor, parts: int, *, heads: int) -> list[Tensor]:
    """[B, T, parts * width] -> one [B, H, T, D] each."""
    b, t, _ = x.shape
    return [y.view(b, t, heads, -1).transpose(1, 2) for y in x.chunk(parts, dim=-1)]


class FeedForward(nn.Module):
    """X -> activation(X W_up) W_down."""

    def __init__(self, *, width: int, inner: int, bias: bool, activation: Activation = "gelu") -> None:
        super().__init__()
        self.up = nn.Linear(width, inner, bias=bias)
        self.down = nn.Linear(inner, width, bias=bias)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        return self.down(self.activation(self.up(x)))


class Block(nn.Module):
    """pre: x + f(LN(x)), trains deep models without warm-up; post: LN(x + f(x)), as in the first Transformer."""

    def __init__(
        self,
        *,
        width: int,
        inner: int,
        mechanism: Attention,
        norm: Norm,
        dropout: float,
        bias: bool,
        activation: Activation = "gelu",
    ) -> None:
        super().__init__()
        self.norm, self.dropout = norm, nn.Dropout(dropout)
        self.attention = SelfAttention(width=width, mechanism=mechanism, bias=bias)
        self.feed_forward = FeedForward(width=width, inner=inner, bias=bias, activation=activation)
        self.attention_norm = nn.LayerNorm(width, bias=bias)
        self.feed_forward_norm = nn.LayerNorm(width, bias=bias)

    def forward(
        self, x: Tensor, *, angles: Tensor | None, state: Past | None, causal: bool = True, mask: Tensor | None = None
    ) -> Tensor:
        attention = partial(self.attention, angles=angles, state=state, causal=causal, mask=mask)
        x = self.residual(x, attention, self.attention_norm)
        return self.residual(x, self.feed_forward, self.feed_forward_norm)

    def residual(self, x: Tensor, f: Callable[[Tensor], Tensor], norm: nn.LayerNorm) -> Tensor:
        if self.norm == "pre":
            return x + self.dropout(f(norm(x)))
        return norm(x + self.dropout(f(x)))


class CrossBlock(Block):
    """A block of a decoder beside an encoder: causal self-attention, cross-attention, feed-forward."""

    def __init__(self, *, width: int, cross: Attention, bias: bool, **block: Any) -> None:
        super().__init__(width=width, bias=bias, **block)
        self.cross_attention = CrossAttention(width=width, mechanism=cross, bias=bias)
        self.cross_attention_norm = nn.LayerNorm(width, bias=bias)

    def forward(  # type: ignore[override]  # it also reads a source
        self, x: Tensor, *, angles: Tensor | None, state: Past | None, memory: KeysValues, mask: Tensor | None
    ) -> Tensor:
        """`mask` [B, 1, 1, S] hides the padding of the source."""
        x = self.residual(x, partial(self.attention, angles=angles, state=state), self.attention_norm)
        x = self.residual(x, partial(self.cross_attention, memory=memory, mask=mask), self.cross_attention_norm)
        return self.residual(x, self.feed_forward, self.feed_forward_norm)
