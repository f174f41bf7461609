"""What a layer's attention weights are like. P is [B, H, T, S], 0 where a query may not look; a quantity is [B].

negative_share    the share of a row's absolute mass that is negative, mean over rows
smallest_weight   the least entry
entropy           in nats, of the positive entries of a row divided by their sum, mean over the rows that have some
row_sum           the mean sum of a row, and row_sum_spread, its standard deviation over rows
row_sum_error     the largest distance of a row's sum from what the mechanism's mixture of softmaxes promises
branch_distance   sum_j |P+_ij - P-_ij|, mean over rows, for a mixture of two softmaxes: in [0, 2]
"""

import torch
from torch import Tensor

from reattend.attention import Attention
from reattend.attention.base import Branches, probabilities


def describe(mechanism: Attention, queries: Branches, keys: Branches, *, causal: bool) -> dict[str, Tensor]:
    """Every quantity that the mechanism has, by name, each [B]."""
    weights = mechanism.weights(queries, keys, causal=causal)
    sums = weights.sum(dim=-1)  # [B, H, T]
    found = {
        "negative_share": negative_share(weights),
        "smallest_weight": weights.amin(dim=(1, 2, 3)),
        "entropy": entropy(weights),
        "row_sum": sums.mean(dim=(1, 2)),
        "row_sum_spread": sums.std(dim=(1, 2), correction=0),
    }
    mixture = mechanism.mixture()  # [R, H]
    if mixture is not None:
        promised = mixture.sum(dim=0)[:, None].to(sums)  # [H, 1]
        found["row_sum_error"] = (sums - promised).abs().amax(dim=(1, 2))
        if len(mixture) == 2:
            found["branch_distance"] = branch_distance(queries, keys, causal=causal)
    return found


def negative_share(weights: Tensor) -> Tensor:
    mass = weights.abs().sum(dim=-1)
    share = (-weights).clamp_min(0).sum(dim=-1) / mass
    return share.masked_fill(mass == 0, 0.0).mean(dim=(1, 2))


def entropy(weights: Tensor) -> Tensor:
    positive = weights.clamp_min(0)
    # a row without positive entries is 0 / 0, which nanmean leaves out
    p = positive / positive.sum(dim=-1, keepdim=True)
    return torch.special.entr(p).sum(dim=-1).flatten(1).nanmean(dim=1)


def branch_distance(queries: Branches, keys: Branches, *, causal: bool) -> Tensor:
    first = probabilities(queries[0], keys[0], causal=causal, mask=None)
    second = probabilities(queries[1], keys[-1], causal=causal, mask=None)
    return (first - second).abs().sum(dim=-1).mean(dim=(1, 2))
