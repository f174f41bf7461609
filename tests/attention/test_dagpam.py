"""daGPAM's identities (the numbers are those of the derivation in the comments) and its option space."""

import warnings
from typing import Literal, get_args, get_origin, get_type_hints

import dagpam_space
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import HEAD_WIDTH, HEADS, attend, dagpam, decoder, mechanism, options, qkv, scores, some_mask

from reattend.attention.dagpam import DaGPAM
from reattend.settings import SettingError

SOFTMAX = options("attention")["softmax"]
PAIRS = [(1.0, 1.0), (0.5, 0.5), (0.0, 0.5), (0.3, 0.9), (-0.2, 0.4)]
EVERY_PAIR = pytest.mark.parametrize(("l_positive", "l_negative"), PAIRS)


def scaled(l_positive, l_negative, **changes):
    return dagpam(lambda_mode="scaled_affine", lambda_init=l_positive, lambda_negative_init=l_negative, **changes)


def plain_softmax(q, k, **how):
    return scores(mechanism(SOFTMAX), q, k, **how)


def test_the_tested_space_is_the_whole_of_it():
    hints = get_type_hints(DaGPAM.__init__)
    choices = {option: get_args(hint) for option, hint in hints.items() if get_origin(hint) is Literal}
    choices |= {option: (True, False) for option, hint in hints.items() if hint is bool}
    assert choices == dagpam_space.CHOICES


@pytest.mark.parametrize("single", dagpam_space.SINGLE, ids=str)
@pytest.mark.parametrize(("queries", "keys", "causal"), [(4, 4, True), (2, 5, True), (3, 5, False)])
def test_fused_path_equals_the_dense_form_for_every_option(single, queries, keys, causal):
    built, (q, k, v) = mechanism(dagpam(lambda_init=dagpam_space.START, **single)), qkv(queries=queries, keys=keys)
    for mask in (None, some_mask(queries=queries, keys=keys)):
        dense = scores(built, q, k, causal=causal, mask=mask)
        torch.testing.assert_close(attend(built, q, k, v, causal=causal, mask=mask), dense @ v)


@given(config=dagpam_space.configs(), queries=st.integers(1, 5), past=st.integers(0, 3), causal=st.booleans())
def test_rows_keep_their_sum_and_range_for_any_options(config, queries, past, causal):
    built, (q, k, v) = mechanism(config), qkv(queries=queries, keys=queries + past)
    mask = some_mask(queries=queries, keys=queries + past)
    dense = scores(built, q, k, causal=causal, mask=mask)
    l_positive, l_negative = built.lambdas()
    torch.testing.assert_close(dense.sum(-1, keepdim=True), (1 + l_positive - l_negative).expand(*dense.shape[:3], 1))
    low, high = torch.minimum(-l_negative, 1 + l_positive), torch.maximum(-l_negative, 1 + l_positive)
    if (l_negative >= 0).all() and (1 + l_positive >= 0).all():  # shaken lambdas may leave the paper's range
        assert ((dense >= low - 1e-12) & (dense <= high + 1e-12)).all()
    assert (dense[~mask] == 0).all()
    torch.testing.assert_close(attend(built, q, k, v, causal=causal, mask=mask), dense @ v)


@pytest.mark.parametrize("mode", ["affine", "scaled_affine"])
def test_lambda_zero_is_softmax_to_the_bit(mode):
    config = dagpam(lambda_init=0.0, lambda_mode=mode)
    q, k, v = (x.float() for x in qkv(queries=6, keys=6))
    plain = attend(mechanism(SOFTMAX).float(), q, k, v, causal=True)
    assert torch.equal(attend(mechanism(config, seed=None).float(), q, k, v, causal=True), plain)
    tokens = torch.arange(12).view(1, 12) % 11
    # shared parameters start alike whatever a mechanism adds
    assert torch.equal(decoder(config, seed=3)(tokens), decoder(SOFTMAX, seed=3)(tokens))


@EVERY_PAIR
def test_identity_map_scales_softmax(l_positive, l_negative):
    """W = I, b = 0, no activation: P- = P+, hence P_G = (1 + l+ - l-) P+."""
    q, k, _ = qkv(queries=3, keys=5)
    for sharing in get_args(get_type_hints(DaGPAM.__init__)["negative_query"]):
        config = scaled(
            l_positive, l_negative, activation="identity", negative_query_init="identity", negative_query=sharing
        )
        dense = scores(mechanism(config, seed=None), q, k, causal=True)
        torch.testing.assert_close(dense, (1 + l_positive - l_negative) * plain_softmax(q, k, causal=True))


@EVERY_PAIR
def test_zero_map_subtracts_the_uniform_rows(l_positive, l_negative):
    """W = 0, b = 0: P- is uniform over the visible keys; affine, this is AttnScale."""
    q, k, _ = qkv(queries=3, keys=5)
    built = mechanism(scaled(l_positive, l_negative), seed=None)
    torch.nn.init.zeros_(built.query_maps[0].weight)
    uniform = torch.ones(3, 5, dtype=q.dtype).tril(2)
    uniform /= uniform.sum(-1, keepdim=True)
    wanted = (1 + l_positive) * plain_softmax(q, k, causal=True) - l_negative * uniform
    torch.testing.assert_close(scores(built, q, k, causal=True), wanted)


@EVERY_PAIR
def test_equal_values_come_out_scaled_by_the_row_sum(l_positive, l_negative):
    q, k, v = qkv(queries=4, keys=4)
    v = v[:, :, :1].expand_as(v)
    y = attend(mechanism(scaled(l_positive, l_negative), seed=None), q, k, v, causal=True)
    torch.testing.assert_close(y, (1 + l_positive - l_negative) * v)


@EVERY_PAIR
def test_one_visible_key_has_the_row_sum_for_its_weight(l_positive, l_negative):
    q, k, _ = qkv(queries=4, keys=4)
    dense = scores(mechanism(scaled(l_positive, l_negative), seed=None), q, k, causal=True)
    torch.testing.assert_close(dense[:, :, 0, 0], torch.full_like(dense[:, :, 0, 0], 1 + l_positive - l_negative))


def test_only_the_ratio_of_the_branches_matters_up_to_a_factor():
    """P_G = (1 + l+) (P+ - rho P-), rho = l- / (1 + l+): (1, 1) is twice (0, 1/2)."""
    q, k, v = qkv(queries=4, keys=4)
    one, half = (attend(mechanism(scaled(*pair), seed=None), q, k, v, causal=True) for pair in ((1.0, 1.0), (0.0, 0.5)))
    torch.testing.assert_close(one, 2 * half)


@EVERY_PAIR
def test_opposite_branches_add_their_gradients(l_positive, l_negative):
    """W = -I, no activation: A- = -A+, hence dP_G/dA+ = (1 + l+) J(P+) + l- J(P-), J(p) = diag(p) - p p^T."""
    config = scaled(l_positive, l_negative, activation="identity", negative_query_init="negative_identity")
    built = mechanism(config, seed=None)
    q = qkv(queries=1, keys=1, batch=1)[0].expand(1, HEADS, 1, HEAD_WIDTH)
    k = (HEAD_WIDTH**0.5 * torch.eye(HEAD_WIDTH, dtype=q.dtype)).expand(1, HEADS, -1, -1)  # so that A+ is q itself
    slope = torch.autograd.functional.jacobian(lambda q: scores(built, q, k, causal=False), q)
    for head in range(HEADS):
        wanted = 0
        for factor, logits in ((1 + l_positive, q[0, head, 0]), (l_negative, -q[0, head, 0])):
            p = logits.exp() / logits.exp().sum()
            wanted = wanted + factor * (p.diag() - p.outer(p))
        torch.testing.assert_close(slope[0, head, 0, :, 0, head, 0], wanted)


def test_cancellation_costs_bfloat16_no_digits():
    """P- = P+ again: (1 + l) y - l y is y to the bit, where a difference taken in bfloat16 is off by about l 2^-8."""
    config = dagpam(lambda_init=8.3, activation="identity", negative_query_init="identity")
    q, k, v = (x.bfloat16() for x in qkv(queries=16, keys=16))
    with torch.autocast("cpu", torch.bfloat16):
        y = attend(mechanism(config, seed=None).float(), q, k, v, causal=True)
    assert torch.equal(y, attend(mechanism(SOFTMAX), q, k, v, causal=True))


def test_row_sum_zero_warns_and_stays_finite():
    with pytest.warns(UserWarning, match="rows sum to 0"):
        model = decoder(scaled(0.0, 1.0), layers=3)
    tokens = torch.arange(24).view(2, 12) % 11
    nats, count = model.loss(tokens[:, :-1], tokens[:, 1:])
    (nats / count).backward()
    assert nats.isfinite()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoder(dagpam())


@pytest.mark.parametrize(
    ("changes", "setting"),
    [
        ({"lambda_negative_init": 0.5}, "attention.lambda_negative_init"),  # affine has one lambda
        ({"lambda_constraint": "sigmoid"}, "attention.lambda_init"),  # 1 cannot be reached
        ({"lambda_constraint": "softplus", "lambda_init": 0.0}, "attention.lambda_init"),
        ({"dropout": 1.0}, "attention.dropout"),
    ],
)
def test_options_that_contradict_each_other_are_refused(changes, setting):
    with pytest.raises(SettingError, match=f"^{setting}=.*expected") as refused:
        mechanism(dagpam(**changes))
    assert refused.value.setting == setting
