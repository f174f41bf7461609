"""Samples have the model's own frequencies, and depend on seed and sentence alone."""

import math

import pytest
from tiny import dagpam
from translators import may_follow, next_log_p, padded, sentences, translator

from reattend.decoding import beam_search, sample
from reattend.decoding.sampling import Sampling
from reattend.settings import SettingError

SHORT = {"max_length_a": 0.0, "max_length_b": 2}


@pytest.mark.parametrize("temperature", [0.6, 1.0, 2.0])
def test_frequencies_are_the_tempered_probabilities(unlike, temperature):
    model = translator(unlike, vocabulary=7)
    (source,) = sentences(4)
    count = 4000
    found = sample(model, padded([source] * 200), temperature=temperature, seed=5, count=20, **SHORT)
    seen = {}
    for one in (one for each in found for one in each):
        seen[tuple(one.tokens)] = seen.get(tuple(one.tokens), 0) + 1

    def probability(tokens):
        p = 1.0
        for t, token in enumerate((*tokens, 2)):
            log_p = next_log_p(model, source, tokens[:t])
            weights = [math.exp(x / temperature) * may_follow(i, t, 2, "keep") for i, x in enumerate(log_p)]
            p *= weights[token] / sum(weights)
        return p

    expected = {tokens: count * probability(tokens) for tokens in seen}
    large = {tokens for tokens, times in expected.items() if times >= 5}
    chi_square = sum((seen[tokens] - expected[tokens]) ** 2 / expected[tokens] for tokens in large)
    assert sum(expected.values()) > 0.98 * count  # what was seen is nearly all there is
    assert len(large) >= 4
    assert chi_square < len(large) + 4 * (2 * len(large)) ** 0.5


def test_scores_are_the_models_own(attention):
    model = translator(attention)
    (source,) = sentences(5)
    for one in sample(model, padded([source]), temperature=2.0, seed=1, count=5, max_length_a=0.0, max_length_b=4)[0]:
        line = [*one.tokens, 2]
        log_p = sum(next_log_p(model, source, line[:t])[token] for t, token in enumerate(line))
        assert one.log_probability == pytest.approx(log_p, rel=1e-9)
        assert one.score == pytest.approx(log_p / len(line), rel=1e-9)


def test_seed_and_number_decide_whatever_the_company():
    model, rows = translator(dagpam()), sentences(4, 8, 3, seed=2)
    search = Sampling(temperature=1.0, seed=3, count=3)
    together = search(model, padded(rows), numbers=[10, 11, 12])
    for row, number, found in zip(rows, (10, 11, 12), together, strict=True):
        (alone,) = search(model, padded([row]), numbers=[number])
        assert [one.tokens for one in alone] == [one.tokens for one in found]
    assert search(model, padded(rows), numbers=[10, 11, 12]) == together
    other = Sampling(temperature=1.0, seed=4, count=3)(model, padded(rows), numbers=[10, 11, 12])
    assert [one.tokens for one in other[0]] != [one.tokens for one in together[0]]
    same_text = search(model, padded([rows[0], rows[0]]), numbers=[0, 1])
    assert [one.tokens for one in same_text[0]] != [one.tokens for one in same_text[1]]


def test_a_low_temperature_is_greedy(attention):
    model, rows = translator(attention), padded(sentences(4, 8, 3))
    cold = sample(model, rows, temperature=1e-4, seed=1)
    greedy = beam_search(model, rows, beam=1)
    assert [one[0].tokens for one in cold] == [one[0].tokens for one in greedy]


def test_samples_come_most_probable_first_and_as_many_as_asked():
    for found in sample(translator(dagpam()), padded(sentences(4, 8)), temperature=1.0, seed=1, count=7):
        scores = [one.score for one in found]
        assert len(found) == 7 and scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": 0.0}, "temperature=0.0: expected a number above 0"),
        ({"count": 0}, "count=0: expected at least 1"),
        ({"seed": -1}, "seed=-1: expected at least 0"),
        ({"max_length_b": 0}, "max_length_b=0: expected at least 1"),
    ],
)
def test_options_that_cannot_be_sampled_with_are_refused(options, message):
    with pytest.raises(SettingError, match=message):
        Sampling(**options)
