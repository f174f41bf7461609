"""Lines read step by step beside each other: the logits of whole passes, whoever goes on from whom."""

import pytest
import torch
from tiny import dagpam
from translators import padded, sentences, translator

from reattend.data.parallel.dictionary import BOS, EOS, PAD, UNK
from reattend.decoding.lanes import Lanes

NORM = {"sinusoidal": "post", "rotary": "pre", "learned": "pre"}


@pytest.mark.parametrize("positions", NORM)
@pytest.mark.parametrize("lines", [1, 3])
def test_steps_equal_whole_passes_for_any_lineage(unlike, positions, lines):
    model = translator(unlike, positions=positions, norm=NORM[positions])
    rows, draw = sentences(5, 3, 7, 2), torch.Generator().manual_seed(lines)
    source = padded(rows)
    with torch.inference_mode():
        lanes = Lanes(model, source, lanes=lines, max_length_a=0.0, max_length_b=20)
        tokens, parents = torch.full((4, lines), EOS), None
        written = [[[EOS] for _ in range(lines)] for _ in rows]  # what each line holds, kept as lists
        for step in range(9):
            if step == 5:  # two sentences leave
                lanes.select([1, 3])
                rows, source, written = [rows[1], rows[3]], source[[1, 3]], [written[1], written[3]]
                tokens, parents = tokens[[1, 3]], parents[[1, 3]]
            if step > 0:
                written = [
                    [[*own[p], t] for p, t in zip(parents[n].tolist(), tokens[n].tolist(), strict=True)]
                    for n, own in enumerate(written)
                ]
            logits, total = lanes.read(tokens, parents)
            for n in range(len(rows)):
                whole = model(source[[n] * lines], torch.tensor(written[n]))[:, -1]
                torch.testing.assert_close(total[n], whole.logsumexp(-1))
                torch.testing.assert_close(logits[n, :, 4:], whole[:, 4:])
            where = [(n, k) for n in range(len(rows)) for k in range(lines)]
            lines_found = lanes.lines(*torch.tensor(where).T)
            assert lines_found == [written[n][k][1:] for n, k in where]
            tokens = torch.randint(3, 11, (len(rows), lines), generator=draw)
            parents = torch.randint(lines, (len(rows), lines), generator=draw)


def test_what_may_follow():
    model = translator(dagpam(), context=9)
    source = padded(sentences(2, 4))
    for unknown in ("keep", "forbid"):
        lanes = Lanes(model, source, lanes=2, max_length_a=1.0, max_length_b=1, unknown=unknown)
        never = {BOS, PAD} | ({UNK} if unknown == "forbid" else set())
        every = set(range(11)) - never
        assert lanes.limits == [3, 5]
        found = []
        with torch.inference_mode():
            for step in range(6):
                logits, _ = lanes.read(torch.full((2, 2), 4 if step else EOS), None)
                allowed = [{token for token in range(11) if row[0, token] > -torch.inf} for row in logits]
                assert torch.equal(logits[:, 0] > -torch.inf, logits[:, 1] > -torch.inf)
                found.append(allowed)
        assert found[0] == [every - {EOS}] * 2
        assert found[1] == found[2] == [every] * 2
        assert found[3] == found[4] == [{EOS}, every]
        assert found[5] == [{EOS}, {EOS}]


def test_a_slot_that_no_line_looks_at_takes_the_next_token():
    model = translator(dagpam())
    with torch.inference_mode():
        lanes = Lanes(model, padded(sentences(5, 5)), lanes=3, max_length_a=0.0, max_length_b=20)
        tokens, first = torch.full((2, 3), 4), torch.zeros(2, 3, dtype=torch.int64)
        lanes.read(tokens, None)
        for step in range(1, 6):  # all go on from the first: one past, and three new tokens
            lanes.read(tokens, first)
            assert lanes.lineage.shape[2] == step + 3
        place = lanes.layers[0].buffers[0].data_ptr()
        for _ in range(3):  # each goes on by itself: nothing is free
            lanes.read(tokens, None)
        assert lanes.lineage.shape[2] == 8 + 3 * 3 and lanes.lineage.sum(dim=2).tolist() == [[9] * 3] * 2
        assert lanes.layers[0].buffers[0].data_ptr() != place  # they grew
        place = lanes.layers[0].buffers[0].data_ptr()
        lanes.read(tokens, first)
        assert lanes.lineage.shape[2] == 17 and lanes.layers[0].buffers[0].data_ptr() == place
    assert [buffer.shape[:2] for buffer in lanes.layers[0].buffers] == [(2, 2)] * 2
