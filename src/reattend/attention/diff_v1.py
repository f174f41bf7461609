"""Differential attention (Ye et al., Differential Transformer, ICLR 2025, arXiv 2410.05258, eqs. 1-3).

    heads 2p and 2p + 1 of width D are one differential head with values twice as wide:
    A_p = softmax(Q_2p K_2p^T / sqrt(D)) - l softmax(Q_2p+1 K_2p+1^T / sqrt(D))
    Y_p = (1 - l_init) RMSNorm(A_p [V_2p, V_2p+1])                   one gain of 2 D for all heads of a layer
    l   = exp(a1 . b1) - exp(a2 . b2) + l_init,   l_init = 0.8 - 0.6 exp(-0.3 depth), depth from 0; a, b ~ N(0, 0.1^2)

Entries in [-l, 1], rows sum to 1 - l; the norm then takes away the scale of each head's output. One l a layer.

As in the authors' code (microsoft/unilm), a model with H heads here has H / 2 differential heads there, with the same
projections. Deviations: depth counts all layers that have this mechanism, in an encoder-decoder those of the encoder,
the decoder, then cross-attention (the paper has decoders alone); dropout acts on each softmax (the paper has none).
The norm is `finish`'s, so `weights`, the same for both heads of a pair, are A_p.

No cache policy ranks by A_p: its second softmax has the keys of another head, which a ranking would need twice.
"""

import math
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reattend.attention.base import Attention, Branches, probabilities
from reattend.settings import SettingError


class DiffV1(Attention):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds 6 D parameters a layer."""

    def __init__(self, *, heads: int, head_width: int, dropout: float = 0.0) -> None:
        super().__init__(heads=heads, head_width=head_width, dropout=dropout)
        if heads % 2:
            raise SettingError("model.heads", heads, "an even number for attention=diff_v1", "Heads go in pairs.")
        self.lambdas = nn.Parameter(torch.empty(2, 2, head_width))  # [[a1, b1], [a2, b2]]
        self.gain = nn.Parameter(torch.ones(2 * head_width))
        self._at(0)
        self.initialise(torch.default_generator)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        self.lambdas.normal_(0.0, 0.1, generator=generator)

    @classmethod
    def tie(cls, layers: Sequence[Self]) -> None:
        for depth, layer in enumerate(layers):
            layer._at(depth)

    def _at(self, depth: int) -> None:
        self.lambda_init = 0.8 - 0.6 * math.exp(-0.3 * depth)

    def subtracted(self) -> Tensor:
        """l, [1, 1, 1]."""
        first, second = self.lambdas.prod(dim=1).sum(dim=-1).exp()
        return (first - second + self.lambda_init).view(1, 1, 1)

    def forward(
        self, queries: Branches, keys: Branches, v: Tensor, *, causal: bool, mask: Tensor | None = None
    ) -> Tensor:
        halves = zip(_pairs(queries[0]), _pairs(keys[0]), strict=True)
        first, second = (self.fused(q, k, v, causal=causal, mask=mask) for q, k in halves)
        return (first - self.subtracted() * second).to(v.dtype)

    def finish(self, y: Tensor, q: Tensor, v: Tensor | None) -> Tensor:
        wide = torch.promote_types(y.dtype, torch.float32)
        pairs = y.transpose(1, 2).unflatten(2, (-1, 2)).flatten(3).to(wide)  # [B, T, H / 2, 2 D]
        normed = F.rms_norm(pairs, self.gain.shape, self.gain, eps=1e-5) * (1 - self.lambda_init)
        return normed.unflatten(3, (2, -1)).flatten(2, 3).transpose(1, 2).to(y.dtype)

    def weights(self, queries: Branches, keys: Branches, *, causal: bool, mask: Tensor | None = None) -> Tensor:
        halves = zip(_pairs(queries[0]), _pairs(keys[0]), strict=True)
        first, second = (probabilities(q, k, causal=causal, mask=mask) for q, k in halves)
        return first - self.subtracted() * second

    def learned(self) -> dict[str, list[float]]:
        return {"lambda": self.subtracted().flatten().tolist()}


def _pairs(x: Tensor) -> tuple[Tensor, Tensor]:
    """The first and the second of each pair of heads, each for both of them: twice [B, H, T, D]."""
    first, second = (x[:, start::2].repeat_interleave(2, dim=1) for start in (0, 1))
    return first, second
