"""Beam search against every sequence there is, against lists and whole passes, and against transformers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny import dagpam, options
from translators import assert_same, every_sequence, padded, plain_beam, sentences, translator

from reattend.bench.marian import marian
from reattend.data.parallel.dictionary import BOS, EOS, PAD, UNK
from reattend.decoding import beam as beam_module
from reattend.decoding import beam_search
from reattend.decoding.beam import candidates
from reattend.settings import SettingError

SOFTMAX = options("attention")["softmax"]
POSITIONS = {"sinusoidal": "post", "rotary": "pre", "learned": "pre"}
TO_LIMIT = {"max_length_a": 0.0}


@pytest.mark.parametrize("norm", ["pre", "post"])
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_a_wide_beam_finds_every_sequence_in_order(unlike, norm, length_penalty):
    model = translator(unlike, vocabulary=6, norm=norm, encoder_layers=1, decoder_layers=1)
    (source,) = sentences(4)
    wanted = every_sequence(model, source, limit=3, length_penalty=length_penalty)
    found = beam_search(
        model, padded([source]), beam=60, max_length_b=3, n_best=60, length_penalty=length_penalty, **TO_LIMIT
    )
    assert len(wanted) == 3 + 9 + 27
    assert_same(found[0], wanted)


@pytest.mark.parametrize("positions", POSITIONS)
@pytest.mark.parametrize("beam", [1, 2, 5])
def test_equals_a_search_over_lists(unlike, positions, beam):
    model = translator(unlike, positions=positions, norm=POSITIONS[positions], seed=beam)
    rows = sentences(3, 7, 5, 2)
    found = beam_search(model, padded(rows), beam=beam, n_best=beam, max_length_a=0.5, max_length_b=6)
    for row, hypotheses in zip(rows, found, strict=True):
        assert_same(hypotheses, plain_beam(model, row, beam=beam, n_best=beam, limit=int(0.5 * len(row) + 6)))


@given(
    seed=st.integers(0, 1000),
    beam=st.integers(1, 6),
    length_penalty=st.floats(0.0, 2.0),
    limit=st.integers(1, 9),
    unknown=st.sampled_from(["keep", "forbid"]),
    vocabulary=st.integers(5, 12),
)
def test_equals_a_search_over_lists_whatever_the_options(seed, beam, length_penalty, limit, unknown, vocabulary):
    model = translator(dagpam(), seed=seed, vocabulary=vocabulary)
    rows = sentences(4, 2, 6, seed=seed)
    how = {"beam": beam, "n_best": beam, "length_penalty": length_penalty, "unknown": unknown}
    found = beam_search(model, padded(rows), max_length_b=limit, **TO_LIMIT, **how)
    for row, hypotheses in zip(rows, found, strict=True):
        assert_same(hypotheses, plain_beam(model, row, limit=limit, **how))
        for one in hypotheses:
            assert 1 <= len(one.tokens) <= limit
            assert not {BOS, PAD, EOS} & set(one.tokens)
            assert unknown == "keep" or UNK not in one.tokens


def test_these_models_end_early_late_and_between():
    """Else the tests above would not say much."""
    lengths = set()
    for seed in range(6):
        rows = sentences(4, 2, 6, seed=seed)
        model = translator(dagpam(), seed=seed)
        for found in beam_search(model, padded(rows), beam=4, n_best=4, max_length_b=9, **TO_LIMIT):
            lengths |= {len(one.tokens) for one in found}
    assert {1, 2, 3, 4, 9} <= lengths


@pytest.mark.parametrize("leave", [0.0, 0.5, 1.0])
def test_neither_company_nor_padding_changes_a_result(unlike, leave, monkeypatch):
    monkeypatch.setattr(beam_module, "LEAVE", leave)
    model = translator(unlike, seed=3)
    rows = sentences(8, 3, 5, 4, 2, 9, 6, seed=1)
    alone = [beam_search(model, padded([row]), beam=3, n_best=3)[0] for row in rows]
    together = beam_search(model, padded(rows, width=12), beam=3, n_best=3)
    assert len({len(found[0].tokens) for found in alone}) > 1  # they leave at several times
    for one, other in zip(alone, together, strict=True):
        assert_same(other, one)


def test_the_longest_length_is_each_sentences_own_and_within_the_context(attention):
    model = translator(attention, context=9)
    unwanted = 50 * (torch.arange(11) == EOS)
    model.output.register_forward_hook(lambda module, given, logits: logits - unwanted)
    rows = sentences(2, 4, 7)
    for beam in (1, 3):
        found = beam_search(model, padded(rows), beam=beam, max_length_a=1.5, max_length_b=1)
        assert [len(hypotheses[0].tokens) for hypotheses in found] == [4, 7, 8]


def test_a_done_sentence_takes_no_part(monkeypatch):
    sizes = []
    model = translator(SOFTMAX, seed=3)
    step = model.step
    monkeypatch.setattr(
        model, "step", lambda tokens, *rest, **how: sizes.append(len(tokens)) or step(tokens, *rest, **how)
    )
    rows = sentences(8, 3, 5, 4, 2, 9, 6, seed=1)
    found = beam_search(model, padded(rows), beam=3)
    lengths = [len(hypotheses[0].tokens) for hypotheses in found]
    assert sizes[0] == 7 and sizes == sorted(sizes, reverse=True) and sizes[-1] < 7
    assert len(sizes) > min(lengths)


def test_the_source_is_read_once_and_nothing_of_it_is_repeated(monkeypatch):
    model = translator(SOFTMAX)
    calls = []
    read = model.decoder[0].cross_attention.read
    monkeypatch.setattr(model.decoder[0].cross_attention, "read", lambda x: calls.append(x.shape) or read(x))
    beam_search(model, padded(sentences(5, 5)), beam=4)
    assert calls == [(2, 5, 8)]


@given(
    width=st.integers(5, 900),
    count=st.integers(1, 10),
    forbidden=st.integers(0, 4),
    seed=st.integers(0, 100),
)
def test_candidates_are_the_best_of_all_lines(width, count, forbidden, seed):
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 4, width, generator=draw, dtype=torch.float64)
    logits[..., :forbidden] = -torch.inf
    offsets = torch.randn(3, 4, generator=draw, dtype=torch.float64)
    sums, tokens, lines = candidates(logits, offsets, count)
    whole = (logits + offsets[..., None]).flatten(1).topk(count)
    assert torch.equal(sums, whole.values)
    finite = sums > -torch.inf
    assert torch.equal((lines * width + tokens)[finite], whole.indices[finite])


@pytest.mark.parametrize("beam", [1, 2, 4])
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_writes_what_transformers_writes(beam, length_penalty):
    """Where all hypotheses end by themselves: at the longest length transformers gives EOS the probability 1."""
    longest, lengths = 25, []
    for seed in range(5):
        model = translator(SOFTMAX, vocabulary=12, embeddings="all", seed=seed)
        theirs, rows = marian(model), padded(sentences(6, 3, 5, 8, 4, seed=seed))
        wanted = torch.arange(12) == EOS
        theirs.final_logits_bias += 1.5 * wanted
        model.output.register_forward_hook(lambda module, given, logits, wanted=wanted: logits + 1.5 * wanted)
        found = beam_search(
            model, rows, beam=beam, max_length_b=longest, n_best=beam, length_penalty=length_penalty, **TO_LIMIT
        )
        written = theirs.generate(
            input_ids=rows,
            attention_mask=rows != PAD,
            num_beams=beam,
            do_sample=False,
            early_stopping=True if beam > 1 else None,
            length_penalty=length_penalty if beam > 1 else None,
            max_new_tokens=longest + 1,
            min_new_tokens=1,
            suppress_tokens=[BOS, PAD],
        )
        for hypotheses, line in zip(found, written.tolist(), strict=True):
            lengths.append(max(len(one.tokens) for one in hypotheses))
            if lengths[-1] < longest:
                assert hypotheses[0].tokens == without_special(line)
    assert sum(length < longest for length in lengths) > 15 and len(set(lengths)) >= 4


def without_special(line: list[int]) -> list[int]:
    return [token for token in line if token not in (EOS, PAD)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"beam": 0}, "beam=0: expected at least 1"),
        ({"n_best": 0}, "n_best=0: expected at least 1"),
        ({"beam": 3, "n_best": 4}, "n_best=4: expected at most beam=3"),
        ({"max_length_a": -0.1}, "max_length_a=-0.1: expected at least 0"),
        ({"max_length_b": 0}, "max_length_b=0: expected at least 1"),
    ],
)
def test_options_that_cannot_be_searched_with_are_refused(options, message):
    with pytest.raises(SettingError, match=message):
        beam_module.Beam(**options)
