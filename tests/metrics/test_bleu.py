"""The three BLEUs and chrF against published values, the real multi-bleu.perl, and numbers worked out by hand."""

import math

import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from made_up_translations import made_up

from reattend.metrics.bleu import Score, chrf2, compound_split_bleu, sacre_bleu, split_compounds, tokenised_bleu
from reattend.metrics.ngrams import bleu_of_sums, corpus_bleu, from_lines, to_lines, with_totals

REFERENCES, BETTER, WORSE = made_up()
LINES = st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=9).map(" ".join), min_size=1, max_size=6)


def test_one_sentence_by_hand() -> None:
    # 6 of 6 words, 4 of 5 pairs, 2 of 4 triples, 0 of 3 fours -> smoothed to 1 / (2 * 3); one word too short
    found = sacre_bleu(["the cat sat on a mat"], ["The cat sat upon on a mat"], lowercase=True)
    assert found.sentences.tolist() == [[6, 4, 2, 0, 6, 7]]
    expected = math.exp(1 - 7 / 6) * (1 * 4 / 5 * 2 / 4 * 1 / 6) ** 0.25
    assert found.value == pytest.approx(100 * expected)
    assert tokenised_bleu(["the cat sat on a mat"], ["The cat sat upon on a mat"]).value == pytest.approx(found.value)
    assert sacre_bleu(["the cat sat on a mat"], ["The cat sat upon on a mat"]).sentences.tolist() == [
        [5, 3, 1, 0, 6, 7]
    ]


def test_the_smoothing_halves_for_each_order_without_a_match() -> None:
    found = tokenised_bleu(["a x b y"], ["a b c d"])
    assert found.value == pytest.approx(100 * (2 / 4 * 1 / (2 * 3) * 1 / (4 * 2) * 1 / (8 * 1)) ** 0.25)


@pytest.mark.parametrize(
    ("translation", "reference", "value"),
    [
        ("this is a test", "this is a test", 100.0),
        ("", "this is a test", 0.0),
        ("this is it", "this is it", 0.0),  # no four words in a row anywhere
        ("wholly wrong words here", "this is a test", 0.0),
    ],
)
def test_extremes(translation: str, reference: str, value: float) -> None:
    for score in (sacre_bleu, tokenised_bleu, compound_split_bleu):
        found = score([translation], [reference])
        assert found.value == pytest.approx(value) and corpus_bleu(found.sentences) == pytest.approx(value)


# printed by Moses' multi-bleu.perl for these files; compound split as fairseq's compound_split_bleu.sh does it with sed
@pytest.mark.parametrize(("system", "lowered", "split"), [(BETTER, 33.25, 42.13), (WORSE, 10.11, 24.02)])
def test_multi_bleu(system: list[str], lowered: float, split: float) -> None:
    assert round(tokenised_bleu(system, REFERENCES).value, 2) == lowered
    assert round(compound_split_bleu(system, REFERENCES).value, 2) == split


def test_sacrebleus_own_fixture() -> None:
    """Its test-suite's first cases: 22.3606797749979 for one wrong word of four with smoothing `floor`, none for us."""
    found = tokenised_bleu(["this is a fest"], ["this is a test"])
    assert found.value == pytest.approx(100 * (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** 0.25)
    translations = ["The dog bit the man.", "It wasn't surprising.", "The man had just bitten him."]
    references = ["The dog bit the man.", "It was not unexpected.", "The man bit him first."]
    assert sacre_bleu(translations, references).value == pytest.approx(
        sacrebleu.corpus_bleu(translations, [references]).score
    )


# sacrebleu's test_chrf.py has beta = 3 and another smoothing; these hold for every beta
@pytest.mark.parametrize(
    ("translation", "reference", "value"),
    [("abcdefg", "hijklmnop", 0.0), ("", "b", 0.0), ("a b c", "abc", 100.0), ("aa", "ab", 25.0)],
)
def test_chrf(translation: str, reference: str, value: float) -> None:
    found = chrf2([translation], [reference])
    assert found.value == pytest.approx(value) and found.signature.startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|")


def test_chrf_weighs_recall_four_times() -> None:
    # of characters and of pairs: precision 1 and 1, recall 2/4 and 1/3; there is no triple in the translation
    recall = (2 / 4 + 1 / 3) / 2
    assert chrf2(["ab"], ["abcd"]).value == pytest.approx(100 * 5 * recall / (4 + recall))


def test_signatures_tell_the_kinds_apart() -> None:
    version = sacrebleu.__version__
    kinds = {
        sacre_bleu(BETTER, REFERENCES).signature: f"nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:{version}",
        sacre_bleu(
            BETTER, REFERENCES, lowercase=True
        ).signature: f"nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:{version}",
        tokenised_bleu(BETTER, REFERENCES).signature: f"nrefs:1|case:lc|eff:no|tok:none|smooth:exp|version:{version}",
    }
    assert all(found == expected for found, expected in kinds.items()) and len(kinds) == 3


def test_compounds_as_perl_cuts_them() -> None:
    # perl -ple 's{(\S)-(\S)}{$1 ##AT##-##AT## $2}g', which does not look at a letter twice
    lines = ["state-of-the-art", "a-b-c", "- a- -b --", "x &#45; y"]
    cut = " ##AT##-##AT## "
    assert split_compounds(lines) == [cut.join(["state", "of", "the", "art"]), f"a{cut}b-c", "- a- -b --", "x &#45; y"]


@given(translations=LINES, references=LINES)
def test_sums_of_sentences_are_the_corpus(translations: list[str], references: list[str]) -> None:
    pairs = min(len(translations), len(references))
    for score in (sacre_bleu, tokenised_bleu, compound_split_bleu):
        found = score(translations[:pairs], references[:pairs])
        assert corpus_bleu(found.sentences) == pytest.approx(found.value, abs=1e-9)


def test_many_corpora_at_once() -> None:
    stacked = np.stack([with_totals(tokenised_bleu(s, REFERENCES).sentences).sum(0) for s in (BETTER, WORSE)])
    both = bleu_of_sums(stacked)
    assert both.tolist() == pytest.approx([tokenised_bleu(s, REFERENCES).value for s in (BETTER, WORSE)])


def test_statistics_as_lines() -> None:
    found: Score = sacre_bleu(BETTER, REFERENCES)
    lines = to_lines(found.sentences)
    assert len(lines) == 40 and all(len(line.split()) == 6 for line in lines)
    assert (from_lines(lines) == found.sentences).all() and from_lines([]).shape == (0, 6)
    for wrong in ("1 2 3", "1 1 1 1 -1 1", "a b c d e f"):
        with pytest.raises(ValueError):
            from_lines([*lines, wrong])


def test_as_many_references_as_translations() -> None:
    with pytest.raises(ValueError, match="shorter"):
        sacre_bleu(BETTER, REFERENCES[:-1])
