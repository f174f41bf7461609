"""The unbounded state: reading a text in any pieces equals one pass, and daGPAM's state is as large as softmax's."""

import dagpam_space
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import dagpam, decoder, options, shake

from reattend.cache import build_policy
from reattend.cache.full import FullLayer

FULL = options("policy")["full"]
SOFTMAX = options("attention")["softmax"]
PIECES = st.lists(st.integers(1, 5), min_size=1, max_size=6)


def check_pieces_equal_one_pass(model, pieces):
    shake(model)
    tokens = torch.randint(11, (2, sum(pieces)), generator=torch.Generator().manual_seed(sum(pieces)))
    state = build_policy(FULL).state(layers=len(model.blocks))
    with torch.no_grad():
        read = torch.cat([model(piece, state=state) for piece in tokens.split(pieces, dim=1)], dim=1)
        torch.testing.assert_close(read, model(tokens))
    assert state.seen == sum(pieces)
    return state


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])
@settings(max_examples=8)
@given(pieces=PIECES)
def test_any_split_of_a_text_equals_one_pass(attention, norm, positions, pieces):
    check_pieces_equal_one_pass(decoder(attention, norm=norm, positions=positions).double(), pieces)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])
@pytest.mark.parametrize("negative_key", ["head_shared", "per_head", "full"])
def test_token_by_token_equals_one_pass_with_a_second_key(positions, negative_key):
    check_pieces_equal_one_pass(decoder(dagpam(negative_key=negative_key), positions=positions).double(), [1] * 9)


@given(config=dagpam_space.configs(), pieces=PIECES)
def test_any_split_equals_one_pass_under_any_dagpam_options(config, pieces):
    check_pieces_equal_one_pass(decoder(config).double(), pieces)


def shapes(config):
    state = check_pieces_equal_one_pass(decoder(config).double(), [3, 1, 4])
    return [[tuple(buffer.shape) for buffer in layer.buffers] for layer in state.layers]


def test_dagpam_keeps_what_softmax_keeps_unless_it_has_a_second_key():
    assert shapes(dagpam()) == shapes(SOFTMAX)
    (first, *_), *_ = shapes(SOFTMAX)
    assert shapes(dagpam(negative_key="head_shared")) == [[first] * 3] * 2  # keys, second keys, values
    assert shapes(SOFTMAX) == [[first] * 2] * 2


@given(pieces=PIECES)
def test_a_layer_returns_everything_it_was_given_in_order(pieces):
    layer, total = FullLayer(), sum(pieces)
    k, other_k, v = (torch.randn(1, 2, total, width) for width in (3, 3, 5))
    end = 0
    for length in pieces:
        end += length
        new = slice(end - length, end)
        keys, values = layer.append((k[..., new, :], other_k[..., new, :]), v[..., new, :])
        assert torch.equal(values, v[..., :end, :])
        assert all(torch.equal(kept, given[..., :end, :]) for kept, given in zip(keys, (k, other_k), strict=True))


def test_buffers_double_so_that_a_token_seldom_costs_a_copy():
    layer, grown = FullLayer(), 0
    for _ in range(200):
        before = layer.buffers
        layer.append((torch.zeros(1, 1, 1, 2),), torch.zeros(1, 1, 1, 2))
        grown += layer.buffers is not before
    assert grown <= 9  # 1, 2, 4, ... 256
    assert layer.buffers[0].shape[-2] < 2 * 200
    assert layer.buffers[0].dtype == torch.float32


def test_states_of_two_texts_do_not_mix():
    model = decoder(SOFTMAX).double()
    first, second = (build_policy(FULL).state(layers=2) for _ in range(2))
    tokens = torch.arange(8).view(2, 1, 4)
    with torch.no_grad():
        model(tokens[0, :, :2], state=first)
        model(tokens[1, :, :2], state=second)
        torch.testing.assert_close(model(tokens[0, :, 2:], state=first), model(tokens[0])[:, 2:])
        torch.testing.assert_close(model(tokens[1, :, 2:], state=second), model(tokens[1])[:, 2:])
