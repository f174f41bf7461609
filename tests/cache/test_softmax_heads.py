"""A pretrained layer's attention against a loop over single queries."""

import pytest
import torch

from reattend.cache.softmax_heads import SoftmaxHeads


def one_by_one(q, k, v, *, scale, softcap, causal, mask):
    """Each query by itself, over the keys it may see."""
    (b, h, t, _), s = q.shape, k.shape[2]
    y = torch.empty(b, h, t, v.shape[-1], dtype=q.dtype)
    for row in range(b):
        for head in range(h):
            shared = head // (h // k.shape[1])
            for query in range(t):
                seen = [i for i in range(s) if not causal or i <= s - t + query]
                if mask is not None:
                    seen = [i for i in seen if mask[row, 0, query, i]]
                logits = scale * (k[row, shared, seen] @ q[row, head, query])
                if softcap is not None:
                    logits = softcap * torch.tanh(logits / softcap)
                weights = logits.exp() / logits.exp().sum()
                y[row, head, query] = weights @ v[row, shared, seen]
    return y


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("softcap", [None, 0.7])
@pytest.mark.parametrize(("t", "s"), [(1, 1), (1, 6), (6, 6), (4, 6)])
def test_every_form_equals_a_loop(t, s, softcap, causal, masked):
    draw = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, h, n, 8, generator=draw, dtype=torch.float64) for h, n in ((4, t), (2, s), (2, s)))
    mask = None
    if masked:
        mask = torch.rand(2, 1, t, s, generator=draw) < 0.6
        mask[..., 0] = True  # which every query sees
    heads = SoftmaxHeads(heads=4, scale=0.3, softcap=softcap, device=q.device)
    ours = heads((q,), (k,), v, causal=causal, mask=mask)
    wanted = one_by_one(q, k, v, scale=0.3, softcap=softcap, causal=causal, mask=mask)
    torch.testing.assert_close(ours, wanted, rtol=1e-12, atol=1e-12)
