"""Counts of residence against loops over single entries and steps, for any steps of leaving."""

from collections.abc import Iterator

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from reattend.evaluation.retaining.residence import FIRST, Layer, Leaving, bin_edges


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    """Each entry leaves at its own step or later, or stays."""
    tokens, lanes = draw(st.integers(1, 80)), draw(st.integers(1, 3))
    made = np.random.default_rng(draw(st.integers(0, 10**6)))
    came = np.arange(tokens)
    left = came + made.integers(0, draw(st.integers(1, tokens)), size=(lanes, tokens))
    left = np.where((left >= tokens) | (made.random(left.shape) < 0.2), -1, left)
    return Layer(left, draw(st.integers(1, 30)))


def kept(layer: Layer, lane: int) -> Iterator[set[int]]:
    """The positions that one set keeps after each step."""
    state: set[int] = set()
    for step in range(layer.tokens):
        state.add(step)
        state -= {j for j in state if layer.left[lane, j] == step}
        yield set(state)


@given(layer=layers())
def test_counts_are_those_of_a_loop_over_steps(layer: Layer) -> None:
    size = layer.size
    for lane in range(len(layer.left)):
        after = list(kept(layer, lane))
        seen = [{*(after[t - 1] if t else ()), t} for t in range(layer.tokens)]  # what step t attends to
        wanted = [sum(j in among for among in seen) for j in range(layer.tokens)]
        assert layer.residence()[lane].tolist() == wanted
        full = range(size, layer.tokens)
        assert layer.kept()[lane] == sum(len(after[t]) for t in full)
        assert layer.recent()[lane] == sum(j > t - size for t in full for j in after[t])
        assert layer.at_once()[lane] == sum(t not in after[t] for t in range(layer.tokens))


@given(layer=layers())
def test_the_first_positions_and_the_map(layer: Layer) -> None:
    lanes, tokens = range(len(layer.left)), layer.tokens
    after = [list(kept(layer, lane)) for lane in lanes]
    stayed = [sum(j in after[lane][-1] for lane in lanes) for j in range(min(FIRST, tokens))]
    assert layer.stayed().tolist() == stayed
    edges, found = bin_edges(tokens).tolist(), layer.map()
    assert found.shape == (len(edges) - 1, len(edges) - 1) and (edges[0], edges[-1]) == (0, tokens)
    for s, row in enumerate(found.tolist()):
        step = edges[s + 1] - 1
        for p, count in enumerate(row):
            assert count == sum(j in after[lane][step] for lane in lanes for j in range(edges[p], edges[p + 1]))


def test_a_watcher_gathers_blocks_of_slots_in_any_order() -> None:
    leaving = Leaving(6)
    leaving(torch.tensor([[[2, -1, 0], [0, 1, 2]]]), torch.tensor([[[-1, 3, 2], [-1, -1, -1]]]))
    leaving(torch.tensor([[[4, 2], [5, 1]]]), torch.tensor([[[-1, 5], [5, -1]]]))
    assert leaving.left.tolist() == [[2, -1, 5, -1, -1, -1], [-1, -1, -1, -1, -1, 5]]
