"""What every attention mechanism keeps (see reattend/attention/base.py); a new file in conf/attention is included."""

import json

import pytest
import torch
from tiny import HEAD_WIDTH, HEADS, attend, mechanism, options, qkv, scores, shake, some_mask

from reattend.attention import build_attention

LENGTHS = pytest.mark.parametrize(("queries", "keys"), [(5, 5), (3, 7), (1, 6)])


@pytest.mark.parametrize("name", options("attention"))
def test_file_name_is_the_option_name_and_the_options_build(name):
    config = options("attention")[name]
    assert config["name"] == name
    built = build_attention(config, heads=HEADS, head_width=HEAD_WIDTH)
    assert type(built).__module__ == f"reattend.attention.{name}"
    json.dumps(built.learned())  # goes into a record


@LENGTHS
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_fused_path_equals_the_dense_form(attention, queries, keys, causal, masked):
    built, (q, k, v) = mechanism(attention), qkv(queries=queries, keys=keys)
    mask = some_mask(queries=queries, keys=keys) if masked else None
    dense = scores(built, q, k, causal=causal, mask=mask)
    assert dense.shape == (2, HEADS, queries, keys)
    torch.testing.assert_close(attend(built, q, k, v, causal=causal, mask=mask), dense @ v)


@LENGTHS
def test_masked_scores_are_exactly_zero(attention, queries, keys):
    built, (q, k, _) = mechanism(attention), qkv(queries=queries, keys=keys)
    mask = some_mask(queries=queries, keys=keys)
    later = torch.arange(keys) > torch.arange(keys - queries, keys)[:, None]
    dense = scores(built, q, k, causal=True, mask=mask)
    hidden = later | ~mask
    assert hidden.any()
    assert (dense[hidden] == 0).all()


@LENGTHS
def test_a_mixture_of_softmaxes_is_the_dense_form(attention, queries, keys):
    """What a cache policy ranks entries by, for those mechanisms that say they are one."""
    built, (q, k, _) = mechanism(attention), qkv(queries=queries, keys=keys)
    mixture = built.mixture()
    if mixture is None:
        return
    later = torch.arange(keys) > torch.arange(keys - queries, keys)[:, None]
    branches, kept = built.branches(q, k)
    assert mixture.shape == (len(branches), HEADS)
    parts = [
        built.logits(branch, kept[min(r, len(kept) - 1)]).masked_fill(later, -torch.inf).softmax(dim=-1)
        for r, branch in enumerate(branches)
    ]
    total = sum(m[:, None, None] * part for m, part in zip(mixture, parts, strict=True))
    torch.testing.assert_close(total, scores(built, q, k, causal=True), check_dtype=False)


def test_logits_are_in_float32_at_least(attention):
    built, (q, k, _) = mechanism(attention), qkv(queries=3, keys=5)
    for dtype, wide in (
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ):
        logits = built.logits(q.to(dtype), k.to(dtype))
        assert logits.dtype == wide
        torch.testing.assert_close(logits, built.logits(q.to(dtype).double(), k.to(dtype).double()).to(wide))


@pytest.mark.parametrize("shape", ["per head", "padding"])
def test_mask_broadcasts_over_batch_and_heads(attention, shape):
    built, (q, k, v) = mechanism(attention), qkv(queries=4, keys=4)
    full = some_mask(queries=4, keys=4)
    small = full[:1] if shape == "per head" else full[:, :1]
    small_result = attend(built, q, k, v, causal=True, mask=small)
    torch.testing.assert_close(small_result, attend(built, q, k, v, causal=True, mask=small.expand_as(full)))


@LENGTHS
def test_no_query_sees_a_later_key_and_each_sees_its_own(attention, queries, keys):
    built, (q, k, v) = mechanism(attention), qkv(queries=queries, keys=keys)
    q = q + 2 * k[:, :, keys - queries :]  # like its own key, which a rectified logit would else hide
    k.requires_grad_(), v.requires_grad_()
    y = attend(built, q, k, v, causal=True)
    for t in range(queries):
        now = keys - queries + t
        for gradient in torch.autograd.grad(y[:, :, t].square().sum(), (k, v), retain_graph=True, allow_unused=True):
            assert gradient is None or (gradient[:, :, now + 1 :] == 0).all()
        (by_value,) = torch.autograd.grad(y[:, :, t].sum(), v, retain_graph=True)
        assert (by_value[:, :, now] != 0).any()


def test_gradients_are_those_of_finite_differences(attention):
    built, (q, k, v) = mechanism(attention, head_width=2), qkv(queries=2, keys=3, batch=1, head_width=2)
    inputs = [x.requires_grad_() for x in (q, k, v, *built.parameters())]

    def outputs(*perturbed):  # gradcheck moves its inputs in place, the mechanism's own parameters among them
        return attend(built, *perturbed[:3], causal=True)

    assert torch.autograd.gradcheck(outputs, inputs)


def test_dropout_acts_in_training_alone_and_keeps_the_mean(attention):
    built = mechanism({**attention, "dropout": 0.3})
    q, k, v = (x.expand(4000, -1, -1, -1) for x in qkv(queries=3, keys=3, batch=1))
    clean = attend(mechanism(attention), q, k, v, causal=True)
    torch.testing.assert_close(attend(built.eval(), q, k, v, causal=True), clean)
    torch.manual_seed(0)
    noisy = attend(built.train(), q, k, v, causal=True)
    assert not torch.allclose(noisy, clean)
    error = noisy.std(dim=0) / len(noisy) ** 0.5
    assert ((noisy.mean(dim=0) - clean[0]).abs() <= 5 * error).all()


def test_bfloat16_stays_close_to_float32(attention):
    """Inputs are rounded before both; what is left is bfloat16's 2^-9 on each branch, weighted by 1 + l+ and l-."""
    built = mechanism(attention, seed=None, head_width=16).float()
    shake(built)
    q, k, v = (x.bfloat16() for x in qkv(queries=32, keys=32, head_width=16))
    exact = attend(built, q.float(), k.float(), v.float(), causal=True)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = attend(built, q, k, v, causal=True)
    assert rounded.dtype == torch.bfloat16
    assert (rounded.float() - exact).abs().max() < 0.01 * exact.abs().max()
