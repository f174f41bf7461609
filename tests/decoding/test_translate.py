"""Many sentences: batches of alike length, results in the order given."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import dagpam
from translators import assert_same, padded, sentences, translator

from reattend.decoding import build_search, translate
from reattend.decoding.beam import Beam
from reattend.decoding.sampling import Sampling
from reattend.decoding.translate import batches
from reattend.settings import SettingError

LENGTHS = (4, 9, 2, 7, 7, 3, 5)


@pytest.mark.parametrize("max_tokens", [1, 60, 4096])
def test_results_come_in_order_and_do_not_depend_on_batches(max_tokens):
    model, rows = translator(dagpam()), sentences(*LENGTHS)
    told: list[int] = []
    found = translate(model, rows, Beam(beam=3), max_tokens=max_tokens, tell=told.append)
    for row, hypotheses in zip(rows, found, strict=True):
        assert_same(hypotheses, Beam(beam=3)(model, padded([row]))[0])
    assert told[-1] == 7 and told == sorted(told) and (len(told) == 1) == (max_tokens == 4096)


def test_samples_do_not_depend_on_batches():
    model, rows = translator(dagpam()), sentences(*LENGTHS)
    one, other = (translate(model, rows, Sampling(seed=2, count=2), max_tokens=tokens) for tokens in (20, 4096))
    assert [[h.tokens for h in found] for found in one] == [[h.tokens for h in found] for found in other]


@given(st.lists(st.integers(1, 30), max_size=40), st.integers(0, 100))
def test_batches_hold_all_sentences_once_and_few_enough_tokens(lengths, max_tokens):
    found = list(batches(lengths, max_tokens))
    assert sorted(number for batch in found for number in batch) == list(range(len(lengths)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(lengths[number] for number in batch) <= max_tokens
    longest = [max(lengths[number] for number in batch) for batch in found]
    assert longest == sorted(longest, reverse=True)
    for batch, after in itertools.pairwise(found):  # none leaves a place free
        assert (len(batch) + 1) * lengths[batch[0]] > max_tokens, after


def test_no_sentences_give_no_results():
    assert translate(translator(dagpam()), [], Beam()) == []


def test_a_search_is_built_from_plain_values():
    search = build_search({"name": "beam", "beam": 4, "length_penalty": 0.6, "unknown": "forbid"})
    assert search == Beam(beam=4, length_penalty=0.6, unknown="forbid") and search.lanes == 4
    assert build_search({"name": "sampling", "temperature": 0.5, "count": 2}).lanes == 2
    with pytest.raises(SettingError, match="search=lanes: expected one of beam, sampling"):
        build_search({"name": "lanes"})
    with pytest.raises(SettingError, match=r"search\.unknown=never: expected one of keep, forbid"):
        build_search({"name": "beam", "unknown": "never"})


def test_max_tokens_is_checked():
    with pytest.raises(SettingError, match="max_tokens=0"):
        translate(translator(dagpam()), sentences(3), Beam(), max_tokens=0)
