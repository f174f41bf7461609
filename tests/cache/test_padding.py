"""Rows of different lengths on whole models: each reads what it does alone, padding left or right."""

import pytest
import torch
from one_layer import NAMES, policy
from tiny_models import TOKENS, family, texts

from reattend.cache import PolicyCache, build_policy

LENGTHS = (TOKENS, 15, 9)


def padded(side):
    """Three rows, which tokens are real, and the position of each in its row."""
    ids = texts(rows=3)
    columns = torch.arange(TOKENS)
    lengths = torch.tensor(LENGTHS)[:, None]
    real = columns < lengths if side == "right" else columns >= TOKENS - lengths
    return ids.masked_fill(~real, 0), real, (real.cumsum(dim=1) - 1).clamp(min=0)


def read(model, config, ids, pieces, **inputs):
    cache, end, logits = PolicyCache(model, build_policy(config)), 0, []
    for piece in ids.split(pieces, dim=1):
        now = {"past_key_values": cache, "input_ids": piece}
        start, end = end, end + piece.shape[1]
        if inputs:  # the mask is of all columns so far, as generate() gives it
            now |= {"attention_mask": inputs["real"][:, :end], "position_ids": inputs["places"][:, start:end]}
        logits.append(model(**now).logits)
    return torch.cat(logits, dim=1), cache


@pytest.mark.parametrize("pieces", [[TOKENS], [10, 1, TOKENS - 11]], ids=["whole", "pieces"])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("name", "model_name"), [*((name, "llama") for name in NAMES), ("h2o", "gpt2"), ("tova", "gemma2")]
)
@torch.no_grad()
def test_a_row_beside_longer_ones_is_as_alone(name, model_name, side, pieces):
    config = policy(name, size=7, scope="head")
    model, _ = family(model_name)
    ids, real, places = padded(side)
    logits, cache = read(model, config, ids, pieces, real=real, places=places)
    assert logits.isfinite().all()
    for row, length in enumerate(LENGTHS):
        alone, single = read(model, config, ids[row][real[row]][None], [length])
        torch.testing.assert_close(logits[row][real[row]], alone[0], atol=1e-9, rtol=0)
        for ours, wanted in zip(cache.layers, single.layers, strict=True):
            kept = [[p for p in lane if p >= 0] for lane in ours.positions[row].tolist()]
            assert kept == [[p for p in lane if p >= 0] for lane in wanted.positions[0].tolist()]


@torch.no_grad()
def test_a_mask_without_padding_is_no_mask():
    model, _ = family("llama")
    config, ids = policy("tova", size=7), texts()
    wanted, _ = read(model, config, ids, [TOKENS])
    places = torch.arange(TOKENS).expand(2, -1)
    logits, _ = read(model, config, ids, [TOKENS], real=torch.ones_like(ids), places=places)
    assert torch.equal(logits, wanted)
