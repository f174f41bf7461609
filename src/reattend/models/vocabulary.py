"""Both ends of a language model: words as vectors and vectors as words, in full or in bands of rarer words.

    embedding  tokens [B, T] -> x [B, T, W]
    output     x [.., W] -> logits [.., V];  nats(x [N, W], targets [N]) -> summed -ln p

full       One matrix of V rows.
adaptive   Words are ranked, the most frequent first, and cut into bands (Grave et al., arXiv 1609.04309). The head
           scores the words of the first band and one row for each further band; band i has words of width
           W // factor^i and a projection P_i [W // factor^i, W]:

               p(w) = softmax(head x)[w]                                          for w in the first band
               p(w) = softmax(head x)[band i] * softmax(E_i P_i x)[w - first of i]      in band i

           So a rare word costs little, and a band that no target lies in costs nothing. Its embedding is
           P_i^T E_i[w]: tied, both ends share E_i and P_i (Baevski & Auli, arXiv 1809.10853).

Deviations: a band of the full width (factor 1) has a projection too, as in torch; no output has a bias.
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from reattend.data.batches import IGNORED
from reattend.settings import SettingError, at_least

ZIPF_SHIFT = 2.7  # p(r) ~ 1 / (r + 2.7): Mandelbrot's form of Zipf's law, for English


class FullOutput(nn.Linear):
    """A logit for each word, by one matrix [V, W]."""

    def __init__(self, *, vocabulary: int, width: int) -> None:
        super().__init__(width, vocabulary, bias=False)

    def nats(self, x: Tensor, targets: Tensor) -> Tensor:
        """Summed -ln p of the targets [N] that count, from x [N, W], in float32."""
        return F.cross_entropy(self(x).float(), targets, ignore_index=IGNORED, reduction="sum")

    def tie(self, embedding: Any) -> None:
        """Share the matrix of an `nn.Embedding`."""
        self.weight = embedding.weight

    def flops_per_token(self) -> float:
        """Of a forward pass in training: twice the multiply-adds."""
        return 2.0 * self.in_features * self.out_features


class AdaptiveOutput(nn.AdaptiveLogSoftmaxWithLoss):
    """ln p of each word, which serves as its logit; the loss looks into the bands of its targets alone."""

    def __init__(self, *, vocabulary: int, width: int, cutoffs: list[int], factor: float) -> None:
        super().__init__(width, vocabulary, cutoffs, div_value=factor, head_bias=False)
        for band, (_, rows) in zip(self.tail, _parts(self.tail), strict=True):
            band[1] = _Table(*rows.weight.shape)  # type: ignore[operator]

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]  # no targets: the loss is `nats`
        return self.log_prob(x.flatten(0, -2)).unflatten(0, x.shape[:-1])

    def nats(self, x: Tensor, targets: Tensor) -> Tensor:
        """Summed -ln p of the targets [N] that count, from x [N, W], in float32."""
        aims = targets.clone()  # what the head has to find: the word, or its band
        total = x.new_zeros((), dtype=torch.float32)
        for index, (low, high) in enumerate(pairwise(self.cutoffs)):
            rows = _between(targets, low, high)
            aims[rows] = self.shortlist_size + index
            logits = self.tail[index](x[rows]).float()
            total = total + F.cross_entropy(logits, targets[rows] - low, reduction="sum")
        return total + F.cross_entropy(self.head(x).float(), aims, ignore_index=IGNORED, reduction="sum")

    def tie(self, embedding: Any) -> None:
        """Share words and projections with an `AdaptiveEmbedding` of the same bands."""
        embedding.head.weight = self.head.weight  # the rows of the bands come last: no word reaches them
        for (words, up), (down, rows) in zip(_parts(embedding.tail), _parts(self.tail), strict=True):
            words.weight, up.weight = rows.weight, down.weight

    def flops_per_token(self) -> float:
        """Of a forward pass in training, the mean over words that follow Zipf's law: twice the multiply-adds."""
        ranks = torch.arange(1, self.n_classes + 1, dtype=torch.float64, device="cpu")
        p = 1 / (ranks + ZIPF_SHIFT)
        p /= p.sum()
        total = float(self.head.weight.numel())
        for (low, high), band in zip(pairwise(self.cutoffs), self.tail, strict=True):
            total += float(p[low:high].sum()) * sum(weight.numel() for weight in band.parameters())
        return 2.0 * total


class AdaptiveEmbedding(nn.Module):
    """Vectors of one width for the words of all bands."""

    def __init__(self, output: AdaptiveOutput) -> None:
        """With bands as those of `output`, and with numbers of its own."""
        super().__init__()
        self.bands = list(pairwise([0, *output.cutoffs]))
        self.head = nn.Embedding(output.shortlist_size, output.in_features)
        self.tail = nn.ModuleList(
            nn.Sequential(_Words(*rows.weight.shape), _Transposed(output.in_features, down.out_features, bias=False))
            for down, rows in _parts(output.tail)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        flat = tokens.flatten()
        x = self.head.weight.new_zeros(len(flat), self.head.embedding_dim)
        for (low, high), embed in zip(self.bands, (self.head, *self.tail), strict=True):
            rows = _between(flat, low, high)
            x.index_copy_(0, rows, embed(flat[rows] - low).to(x.dtype))  # autocast makes its products bfloat16
        return x.unflatten(0, tokens.shape)


class _Table(nn.Linear):
    """The words E_i [n, d] of a band: with N(0, 1/d) its logits and vectors vary as those of the first band."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__(width, words, bias=False)

    def initialise(self, generator: torch.Generator) -> None:
        self.weight.normal_(0.0, self.in_features**-0.5, generator=generator)


class _Words(nn.Embedding):
    """The same, to look words up."""

    def initialise(self, generator: torch.Generator) -> None:
        self.weight.normal_(0.0, self.embedding_dim**-0.5, generator=generator)


class _Transposed(nn.Linear):
    """x [N, d] -> x P [N, W]: the way back through a band's projection P [d, W]."""

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.t())


def both_ends(
    *, vocabulary: int, width: int, cutoffs: list[int] | None, factor: float
) -> tuple[nn.Embedding | AdaptiveEmbedding, FullOutput | AdaptiveOutput]:
    """Embedding and output, each with numbers of its own; `output.tie(embedding)` lets them share."""
    if cutoffs is None:
        return nn.Embedding(vocabulary, width), FullOutput(vocabulary=vocabulary, width=width)
    whole = all(isinstance(cutoff, int) and not isinstance(cutoff, bool) for cutoff in cutoffs)
    edges = [0, *cutoffs, vocabulary]
    if not cutoffs or not whole or any(low >= high for low, high in pairwise(edges)):
        expected = f"increasing whole numbers above 0 and below the vocabulary of {vocabulary}"
        raise SettingError("model.cutoffs", cutoffs, expected, "Change model.cutoffs, or set it to null.")
    at_least("model.cutoff_factor", factor, 1.0)
    if width < factor ** len(cutoffs):
        expected = f"so small that each of {len(cutoffs)} bands after the first keeps a width of at least 1 of {width}"
        raise SettingError("model.cutoff_factor", factor, expected, "Lower it, or raise model.width.")
    output = AdaptiveOutput(vocabulary=vocabulary, width=width, cutoffs=cutoffs, factor=factor)
    return AdaptiveEmbedding(output), output


def vocabulary_of(weights: dict[str, Tensor]) -> int:
    """How many words a decoder's weights were made for."""
    if "embedding.weight" in weights:
        return len(weights["embedding.weight"])
    tails = [name for name in weights if name.startswith("output.tail.") and name.endswith(".1.weight")]
    return len(weights["output.head.weight"]) + sum(len(weights[name]) - 1 for name in tails)


def _parts(tail: nn.ModuleList) -> list[tuple[Any, Any]]:
    """The two layers of each band."""
    return [(band[0], band[1]) for band in tail]  # type: ignore[index]


def _between(tokens: Tensor, low: int, high: int) -> Tensor:
    """Where among tokens [N] those of a band stand."""
    return ((tokens >= low) & (tokens < high)).nonzero().squeeze(-1)
