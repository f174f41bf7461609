"""Bits and perplexity against sums worked out by hand, and against the order in which batches arrive."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reattend.metrics.likelihood import Likelihood


def test_a_uniform_guess_among_256_bytes_costs_8_bits():
    score = Likelihood()
    score.add(10 * math.log(256), 10)
    assert score.bits == pytest.approx(80)
    assert score.bits_per_token() == pytest.approx(8)
    assert score.perplexity() == pytest.approx(256)


@given(st.lists(st.tuples(st.floats(0, 1e4), st.integers(1, 500)), min_size=1, max_size=10))
def test_sums_are_kept_so_batches_of_any_size_weigh_by_their_tokens(batches):
    score = Likelihood()
    for nats, count in batches:
        score.add(nats, count)
    nats, count = math.fsum(n for n, _ in batches), sum(c for _, c in batches)
    assert score.count == count
    assert score.bits_per_token() * count * math.log(2) == pytest.approx(nats)
