"""Softmax off by one, "softmax1" (Miller, Attention Is Off By One, 2023, evanmiller.org/attention-is-off-by-one.html).

    s = Q K^T / sqrt(D),    P_i = e^{s_i} / (1 + sum_j e^{s_j}),    Y = P V

A head may look at nothing: entries in [0, 1), rows sum to less than 1. It is softmax with one more key, of logit 0,
and one more value, of zeros, which every query sees; so it is computed by the fused kernels. No deviation is known.

Not a mixture of softmaxes over the kept keys, so no cache policy ranks by it.
"""

from torch import Tensor
from torch.nn import functional as F

from reattend.attention.base import Attention, Branches, probabilities


class Softmax1(Attention):
    """q, k, v [B, H, T, D] -> [B, H, T, D]; adds no parameters."""

    def forward(
        self, queries: Branches, keys: Branches, v: Tensor, *, causal: bool, mask: Tensor | None = None
    ) -> Tensor:
        (q,), (k,) = queries, keys
        whole = causal and mask is None and q.shape[2] == k.shape[2]
        if whole:  # a query of zeros as well, so that the kernel's own causal mask fits: no [T, T]
            q = _led(q)
        y = self.fused(q, _led(k), _led(v), causal=causal, mask=_seen_by_all(mask))
        return y[:, :, 1:] if whole else y

    def weights(self, queries: Branches, keys: Branches, *, causal: bool, mask: Tensor | None = None) -> Tensor:
        seen = _seen_by_all(mask)
        return probabilities(queries[0], _led(keys[0]), causal=causal, mask=seen)[..., 1:]


def _led(x: Tensor) -> Tensor:
    """Zeros before the first of S: [B, H, S + 1, D]."""
    return F.pad(x, (0, 0, 1, 0))


def _seen_by_all(mask: Tensor | None) -> Tensor | None:
    """The key of zeros in a mask [B or 1, H or 1, T, S]."""
    return None if mask is None else F.pad(mask, (1, 0), value=True)
