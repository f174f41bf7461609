"""A decoder's layers as they are, without the skips, without the feed-forward parts, or without either.

Without a skip a sublayer's output replaces its input: f(LN(x)) in a pre-norm block, LN(f(x)) in a post-norm one.
Normal passes know nothing of this: blocks are run part by part here, in evaluation mode.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from torch import Tensor, nn

from reattend.attention import Attention
from reattend.attention.base import Branches
from reattend.models.decoder import Decoder
from reattend.models.layers import Block


@dataclass(frozen=True)
class Stack:
    """Which parts of a block are there beside attention."""

    skip: bool = True
    feed_forward: bool = True


STACKS = {
    "full": Stack(),
    "no_skip": Stack(skip=False),
    "no_feed_forward": Stack(feed_forward=False),
    "attention_only": Stack(skip=False, feed_forward=False),
}


@dataclass
class Tap:
    """Stands where a layer's state would, and sees what its mechanism compares, positions applied."""

    causal: bool = True
    queries: Branches = field(default=(), init=False)
    keys: Branches = field(default=(), init=False)

    def attend(self, mechanism: Attention, queries: Branches, keys: Branches, v: Tensor) -> Tensor:
        self.queries, self.keys = queries, keys
        y: Tensor = mechanism(queries, keys, v, causal=self.causal)
        return y


def embedded(model: Decoder, tokens: Tensor) -> Tensor:
    """What the first block reads, [B, T, W]."""
    x: Tensor = model.positions.add(model.embedding(tokens), 0)
    return x


def run(model: Decoder, x: Tensor, stack: Stack, *, causal: bool = True) -> Iterator[tuple[Tensor, Tap]]:
    """After each block: its output [B, T, W] and what its attention compared."""
    assert not model.training
    angles = model.positions.angles(0, x.shape[1], x.device)
    for block in model.blocks:
        assert isinstance(block, Block)
        tap = Tap(causal)
        x = _part(block, x, partial(block.attention, angles=angles, state=tap), block.attention_norm, stack)
        if stack.feed_forward:
            x = _part(block, x, block.feed_forward, block.feed_forward_norm, stack)
        yield x, tap


def _part(block: Block, x: Tensor, f: Callable[[Tensor], Tensor], norm: nn.LayerNorm, stack: Stack) -> Tensor:
    if stack.skip:
        return block.residual(x, f, norm)
    y: Tensor = f(norm(x)) if block.norm == "pre" else norm(f(x))
    return y
