"""How alike the tokens of a layer are. X is [..., T, W]; a quantity is [...].

    residual ratio   |X - 1 x^T| / |X|,  x the mean token,  |M| = sqrt(|M|_1 |M|_inf): the largest sum of absolute
                     values of a column times that of a row (Dong et al., Attention is not all you need, 2021,
                     arXiv 2103.03404, and its code). 0: rank collapse, all tokens are one
    token cosine     the mean cosine of two different tokens (Noci et al. 2022, arXiv 2206.03126). 1: all point one way

A token that is exactly 0, as the first one's output where causal rows sum to 0, has no direction: the cosine leaves
it out. Where nothing is left, a quantity is NaN.
"""

import torch
from torch import Tensor


def residual_ratio(x: Tensor) -> Tensor:
    residual = x - x.mean(dim=-2, keepdim=True)
    return _composite_norm(residual) / _composite_norm(x)


def _composite_norm(x: Tensor) -> Tensor:
    size = x.abs()
    columns, rows = size.sum(dim=-2).amax(dim=-1), size.sum(dim=-1).amax(dim=-1)
    return columns.sqrt() * rows.sqrt()


def token_cosine(x: Tensor) -> Tensor:
    length = x.norm(dim=-1, keepdim=True)  # [..., T, 1]
    directions = (x / length).masked_fill(length == 0, 0.0)
    count = (length > 0).sum(dim=(-2, -1))
    # |sum of directions|^2 holds every pair twice and each of `count` tokens once
    pairs = directions.sum(dim=-2).square().sum(dim=-1) - count
    return (pairs / (count * (count - 1))).masked_fill(count < 2, torch.nan)
