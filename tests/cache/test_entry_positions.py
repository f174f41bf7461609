"""Entries at other positions than those of the text: the engine against lists that are counted anew at every step."""

import naive_policies
import naive_positions
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from one_layer import BOUNDED, blocks_of, configs, kept, pieces, policy, random_input
from tiny import options

from reattend.cache import build_policy, placed
from reattend.cache.positions import build_positions
from reattend.cache.positions.base import Counted
from reattend.cache.softmax_heads import SoftmaxHeads
from reattend.settings import SettingError

MOVING = sorted(name for name in options("positions") if name != "original")


class TextTurning:
    """The rotary layer of the tests: it has turned by the positions of the text, from `start` on."""

    def __init__(self, width, start, real=None):
        self.frequencies, self.start, self.real = torch.from_numpy(naive_positions.frequencies(width)), start, real

    def plain(self, x):
        places = torch.arange(self.start, self.start + x.shape[2], dtype=torch.float64)
        return placed.turned(x, -places.expand(1, 1, -1), self.frequencies)

    def turn(self, x):
        places = torch.arange(self.start, self.start + x.shape[2], dtype=torch.float64)
        return placed.turned(x, places.expand(1, 1, -1), self.frequencies)


def heads_of(inputs):
    return SoftmaxHeads(inputs[0].shape[1], inputs[0].shape[-1] ** -0.5, None, inputs[0].device)


def read(config, positions, inputs, split, *, layer=0, real=None, heads=None):
    """Outputs, and what is kept after each piece, of inputs that no positions have turned."""
    state = build_policy(config, positions=options("positions").get(positions, positions)).layer_state(layer)
    outputs, seen, start = [], [], 0
    for length in split:
        q, k, v = (x[:, :, start : start + length] for x in inputs)
        state.turning = TextTurning(q.shape[-1], start)
        q, k = state.turning.turn(q), state.turning.turn(k)
        now = None if real is None else real[:, start : start + length]
        outputs.append(state.attend(heads or heads_of(inputs), (q,), (k,), v, real=now))
        seen.append(kept(state))
        start += length
    return torch.cat(outputs, dim=2), seen


def check_against_naive(config, positions, inputs, split, *, block=128, layer=0, tolerance=1e-9, heads=None):
    with blocks_of(block):
        y, seen = read(config, positions, inputs, split, layer=layer, heads=heads)
    for row in range(len(y)):
        q, k, v = (x[row].double() for x in inputs)
        wanted, wanted_kept = naive_policies.read(
            config, [q], [k], v, calls=split, layer=layer, placed=naive_positions.placed(positions)
        )
        torch.testing.assert_close(y[row].double(), torch.from_numpy(wanted), atol=tolerance, rtol=tolerance)
        ends = torch.tensor(split).cumsum(0) - 1
        assert [now[row] for now in seen] == [wanted_kept[end] for end in ends]


@settings(max_examples=40, deadline=None)
@given(
    data=st.data(),
    config=configs(),
    positions=st.sampled_from(MOVING),
    block=st.integers(1, 9),
    layer=st.integers(0, 3),
    tokens=st.integers(1, 40),
    kv_heads=st.integers(1, 3),
    group=st.integers(1, 3),
    width=st.sampled_from([2, 4, 6]),
    seed=st.integers(0, 10**6),
)
def test_any_pieces_equal_the_naive_loop_in_every_output_and_kept_entry(
    data, config, positions, block, layer, tokens, kv_heads, group, width, seed
):
    split = data.draw(pieces(tokens))
    inputs = random_input(tokens=tokens, heads=kv_heads * group, kv_heads=kv_heads, width=width, batch=2, seed=seed)
    check_against_naive(config, positions, inputs, split, block=block, layer=layer)


@pytest.mark.parametrize("positions", MOVING)
@pytest.mark.parametrize("name", BOUNDED)
def test_what_reads_tokens_one_by_one_is_what_goes_through_a_block(name, positions):
    """Of a mechanism whose logits no compiled loop can make."""

    class Capped(SoftmaxHeads):
        def dot_scale(self, width):
            return None

    inputs = random_input(tokens=30, width=4, batch=2, seed=5)
    for scope in ("layer", "head"):
        for prefill in ("exact", "trim"):
            config = policy(name, size=5, scope=scope, prefill=prefill)
            check_against_naive(
                config, positions, inputs, [11, 1, 18], heads=Capped(4, 4**-0.5, None, inputs[0].device)
            )
            check_against_naive(config, positions, inputs, [11, 1, 18])


@pytest.mark.parametrize("name", sorted(options("policy")))
def test_gaps_that_count_their_tokens_are_the_original_positions(name, monkeypatch):
    """The way through the compiled loop, with nothing to turn; and no policy keeps anything else."""
    inputs, config = random_input(tokens=60, width=4, batch=2, seed=2), policy(name, size=6, scope="head")
    wanted = read(config, "original", inputs, [60])
    monkeypatch.setattr("reattend.cache.positions.slots.Slots.gap", lambda self, tokens: tokens)
    found = read(config, "slots", inputs, [25, 35])
    torch.testing.assert_close(found[0], wanted[0])
    assert found[1][-1] == wanted[1][-1]


@pytest.mark.parametrize("positions", MOVING)
@pytest.mark.parametrize("name", sorted(options("policy")))
def test_where_nothing_leaves_nothing_changes(name, positions):
    inputs, config = random_input(tokens=20, width=4), policy(name, size=20)
    torch.testing.assert_close(
        read(config, positions, inputs, [20])[0], read({"name": "full"}, "original", inputs, [20])[0]
    )


@pytest.mark.parametrize("positions", MOVING)
@pytest.mark.parametrize("name", ["truncate", "window"])
def test_where_neighbours_alone_are_kept_nothing_changes(name, positions):
    """Which is why tasks refuse other positions under these policies."""
    inputs, config = random_input(tokens=40, width=4), policy(name, size=6)
    assert build_policy(config).unbroken and not build_policy(policy("window_sinks", size=6, first=1)).unbroken
    found, wanted = (read(config, where, inputs, [40])[0] for where in (positions, "original"))
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("name", MOVING)
def test_neighbours_in_the_text_are_neighbours_and_distances_grow(name):
    """gap(1) = 1 is what the full state and the first tokens of every policy rely on."""
    positions = build_positions(options("positions")[name])
    assert isinstance(positions, Counted)
    gaps = positions.table(2000)
    assert gaps[:2].tolist() == [0, 1]
    assert (gaps[1:] > 0).all()
    assert len(gaps) > 2000


def test_positions_by_hand():
    kept = torch.tensor([[[7, -1, 0, 1, 20, 18]]])  # 0, 1, 7, 18, 20 in the text; a gap of 6, 11 and 2
    slots, compressed = (build_positions(options("positions")[name]) for name in ("slots", "compressed"))
    assert slots.places(kept)[0, 0, [2, 3, 0, 5, 4]].tolist() == [0, 1, 2, 3, 4]
    wanted = [0, 1, 7, 7 + 0.874591382923689, 9 + 0.874591382923689]  # ln ln 11
    assert compressed.places(kept)[0, 0, [2, 3, 0, 5, 4]].tolist() == pytest.approx(wanted)


def test_window_and_sinks_at_slots_are_streaming_llm(width=4, first=2, size=6, tokens=25):
    """Its definition: of the cached keys, un-rotated, the j-th is turned to j; the query to how many are cached."""
    q, k, v = random_input(tokens=tokens, heads=1, kv_heads=1, width=width)
    y, _ = read(policy("window_sinks", size=size, first=first), "slots", (q, k, v), [tokens])
    turns = naive_positions.turn
    for t in range(tokens):
        cached = list(range(t)) if t <= size else [*range(first), *range(t - size + first, t)]
        keys = torch.stack([torch.from_numpy(turns(k[0, 0, j], slot)) for slot, j in enumerate([*cached, t])])
        query = torch.from_numpy(turns(q[0, 0, t], len(cached)))
        weights = (keys @ query / width**0.5).softmax(dim=0)
        torch.testing.assert_close(y[0, 0, t], weights @ v[0, 0, [*cached, t]])


@pytest.mark.parametrize("positions", MOVING)
@pytest.mark.parametrize("name", BOUNDED)
def test_float32_stays_within_its_rounding_however_many_entries_leave(name, positions):
    """200 tokens through a state of 8; keys are turned many times, but at most a block's in a row."""
    inputs = tuple(x.float() for x in random_input(tokens=200, heads=2, kv_heads=1, width=8, seed=3))
    check_against_naive(policy(name, size=8, first=2), positions, inputs, [7, 193], tolerance=2e-5)


@pytest.mark.parametrize("positions", MOVING)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_stays_near(dtype, positions):
    inputs = tuple(x.to(dtype) for x in random_input(tokens=12, heads=4, kv_heads=2, width=8, seed=1))
    y, _ = read(policy("window_sinks", size=8), positions, inputs, [12])
    wanted, _ = read(policy("window_sinks", size=8), positions, tuple(x.double() for x in inputs), [12])
    assert y.dtype == dtype
    torch.testing.assert_close(y.double(), wanted, atol=0.06, rtol=0)


@settings(max_examples=15, deadline=None)
@given(data=st.data(), config=configs(), positions=st.sampled_from(MOVING), seed=st.integers(0, 10**6))
def test_a_padded_row_reads_and_keeps_what_it_does_alone(data, config, positions, seed):
    """Padding before a row's text, and in pieces; the tokens' columns are what the layer has turned them by."""
    lengths = [data.draw(st.integers(1, 14), label="length") for _ in range(3)]
    real = torch.arange(14) >= 14 - torch.tensor(lengths)[:, None]
    split = [14] if config.get("prefill") == "trim" else data.draw(pieces(14))
    inputs = random_input(tokens=14, heads=4, kv_heads=2, width=4, batch=3, seed=seed)
    y, seen = read(config, positions, inputs, split, real=real)
    for row, length in enumerate(lengths):
        alone = tuple(x[row : row + 1, :, 14 - length :] for x in inputs)
        wanted, wanted_seen = read(config, positions, alone, [length])
        torch.testing.assert_close(y[row : row + 1, :, 14 - length :], wanted)
        assert seen[-1][row] == wanted_seen[-1][0]


def test_rows_can_be_selected_and_memory_stays_that_of_the_size():
    state = build_policy(policy("tova", size=6), positions=options("positions")["slots"]).layer_state(0)
    q, k, v = random_input(tokens=40, width=4, batch=3)
    state.turning = TextTurning(4, 0)
    state.attend(heads_of((q,)), (q[:, :, :30],), (k[:, :, :30],), v[:, :, :30])
    fork = state.fork(torch.tensor([2, 2]))
    state.turning = fork.turning = TextTurning(4, 30)
    q, k, v = (x[:, :, 30:] for x in (q, k, v))
    whole = state.attend(heads_of((q,)), (q,), (k,), v)
    rows = [2, 2]
    torch.testing.assert_close(fork.attend(heads_of((q,)), (q[rows],), (k[rows],), v[rows]), whole[rows])
    assert state.slots.shape[-1] <= 6 + 128
    assert kept(fork) == [kept(state)[2]] * 2


def test_a_layer_that_turns_nothing_is_refused():
    state = build_policy(policy("tova"), positions=options("positions")["slots"]).layer_state(0)
    q, k, v = random_input(tokens=3, width=4)
    with pytest.raises(
        SettingError, match="positions=slots: expected original for a model whose positions do not turn"
    ):
        state.attend(heads_of((q,)), (q,), (k,), v)


@pytest.mark.parametrize(("name", "told"), [("whole", "positions.whole=1"), ("nothing", "positions=nothing")])
def test_bad_settings_are_one_message(name, told):
    config = {"name": "compressed", "whole": 1} if name == "whole" else {"name": "nothing"}
    with pytest.raises(SettingError, match=told):
        build_positions(config)
