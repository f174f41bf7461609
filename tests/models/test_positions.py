"""Positions: rotary scores see distances alone, sinusoids are the formula's, learned tables end at the context."""

import cmath
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import HEAD_WIDTH, HEADS, dagpam, decoder, label, mechanism, options, qkv, shake

from reattend.cache import build_policy
from reattend.models.layers import SelfAttention
from reattend.models.positions import Rotary, Sinusoidal, rotate
from reattend.settings import SettingError

SOFTMAX = options("attention")["softmax"]
CPU = torch.device("cpu")


def turned(x, start):
    rotary = Rotary(width=2 * x.shape[-1], head_width=x.shape[-1], context=8)
    return rotate(x, rotary.angles(start, x.shape[-2], CPU))


def test_rotary_turns_each_pair_by_its_own_frequency():
    x, _, _ = qkv(queries=3, keys=3, batch=1, head_width=6)
    result = turned(x, 4)
    for t in range(3):
        for i in range(3):
            pair = complex(*x[0, 1, t, 2 * i : 2 * i + 2].tolist()) * cmath.exp(1j * (4 + t) / 10000 ** (2 * i / 6))
            assert complex(*result[0, 1, t, 2 * i : 2 * i + 2].tolist()) == pytest.approx(pair, abs=1e-6)


@given(shift=st.integers(1, 500) | st.integers(1_000_000, 50_000_000))
def test_rotary_scores_depend_on_the_distance_alone(shift):
    q, k, _ = qkv(queries=5, keys=5)
    here = turned(q, 0) @ turned(k, 0).mT
    there = turned(q, shift) @ turned(k, shift).mT
    torch.testing.assert_close(there, here, rtol=1e-5, atol=1e-5)  # the turned pairs are float32
    moved = turned(q, shift) @ turned(k, 0).mT
    assert not torch.allclose(moved, here, rtol=1e-3, atol=1e-3)


RELATIVE = [config for name, config in options("attention").items() if name != "coda"]  # it also takes an L1 distance


@pytest.mark.parametrize("config", [*RELATIVE, dagpam(negative_key="per_head")], ids=label)
def test_every_branch_of_a_mechanism_is_turned(config):
    """One branch left unturned would meet turned keys, and the layer's output would change with the first position."""
    layer = SelfAttention(width=HEADS * HEAD_WIDTH, mechanism=mechanism(config), bias=True).double()
    rotary = Rotary(width=HEADS * HEAD_WIDTH, head_width=HEAD_WIDTH, context=8)
    x = 3 * qkv(queries=6, keys=6, batch=1, head_width=HEADS * HEAD_WIDTH)[0][:, 0]
    here, there = (layer(x, angles=rotary.angles(start, 6, CPU), state=None) for start in (0, 40))
    torch.testing.assert_close(there, here, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])
def test_order_of_earlier_tokens_matters(attention, positions):
    """One layer without positions would see a set: its last logits would not change."""
    model = decoder(attention, positions=positions, layers=1).double()
    shake(model)
    there, swapped = (model(torch.tensor([tokens]))[0, -1] for tokens in ([1, 2, 3, 4], [2, 1, 3, 4]))
    assert (there - swapped).abs().max() > 1e-3


def test_rotary_keeps_lengths_and_bfloat16_positions_apart():
    q, _, _ = qkv(queries=4, keys=4)
    torch.testing.assert_close(turned(q, 3).norm(dim=-1), q.norm(dim=-1), rtol=1e-6, atol=1e-6)
    far = torch.ones(1, 1, 2, 4, dtype=torch.bfloat16)
    first, second = turned(far, 2**14)[0, 0]  # bfloat16 itself cannot tell 16384 from 16385
    assert not torch.equal(first, second)


def test_sinusoids_are_the_formulas():
    width, start = 6, 3
    x = torch.randn(1, 4, width)
    positions = Sinusoidal(width=width, head_width=3, context=8)
    added = (positions.add(x, start) - width**0.5 * x)[0]
    for t in range(4):
        angles = [(start + t) / 10000 ** (2 * i / width) for i in range(width // 2)]
        wanted = [math.sin(a) for a in angles] + [math.cos(a) for a in angles]
        assert added[t].tolist() == pytest.approx(wanted, abs=1e-6)


def test_learned_positions_end_at_the_context():
    model = decoder(SOFTMAX, positions="learned", context=6)
    tokens = torch.zeros(1, 7, dtype=torch.long)
    with pytest.raises(SettingError, match=r"data\.context=7: expected at most 6"):
        model(tokens)
    state = build_policy(options("policy")["full"]).state(layers=2)
    model(tokens[:, :4], state=state)
    model(tokens[:, :2], state=state)
    with pytest.raises(SettingError, match=r"data\.context=7"):
        model(tokens[:, :1], state=state)


@pytest.mark.parametrize("positions", ["sinusoidal", "rotary"])
def test_computed_positions_have_no_end(positions):
    assert decoder(SOFTMAX, positions=positions, context=4)(torch.zeros(1, 9, dtype=torch.long)).isfinite().all()
