"""Cache policies on transformers' decoder families: exact in any pieces, and nothing else changes."""

import pytest
import torch
from one_layer import BOUNDED, NAMES, policy
from tiny_models import FAMILIES, TOKENS, family, make, texts
from transformers import DynamicCache

from reattend.cache import PolicyCache, build_policy


def made(model, config):
    return PolicyCache(model, build_policy(config))


@torch.no_grad()
def read(model, config, ids, piece, **inputs):
    """Logits of a text in pieces of that length, and the cache at its end."""
    cache, logits = made(model, config), []
    for start in range(0, ids.shape[1], piece):
        part = slice(start, start + piece)
        now = {
            key: value[:, : part.stop] if key == "attention_mask" else value[:, part] for key, value in inputs.items()
        }
        logits.append(model(input_ids=ids[:, part], past_key_values=cache, **now).logits)
    return torch.cat(logits, dim=1), cache


def positions(cache):
    return [layer.positions.tolist() for layer in cache.layers]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_state_as_large_as_the_text_is_the_model_itself(name):
    model, wanted = family(name)
    for config in (policy("full"), policy("window", size=TOKENS), policy("h2o", size=TOKENS)):
        for piece in (TOKENS, 7):
            logits, cache = read(model, config, texts(), piece)
            torch.testing.assert_close(logits, wanted, atol=1e-5, rtol=0)
            assert all(row == [list(range(TOKENS))] * len(row) for layer in positions(cache) for row in layer)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_reads_the_same_in_any_pieces(name):
    model, full = family(name)
    config = policy("tova", size=6)
    wanted, single = read(model, config, texts(), 1)
    assert (wanted - full).abs().max() > 0.01  # entries have left
    for piece in (7, TOKENS):
        logits, cache = read(model, config, texts(), piece)
        torch.testing.assert_close(logits, wanted, atol=1e-9, rtol=0)
        assert positions(cache) == positions(single)


@pytest.mark.parametrize(("model_name", "scope"), [("llama", "head"), ("llama_mha", "layer")])
@pytest.mark.parametrize("name", NAMES)
def test_every_policy_reads_the_same_in_any_pieces_in_float32(name, model_name, scope):
    model, _ = family(model_name, torch.float32)
    config = policy(name, size=6, scope=scope)
    wanted, single = read(model, config, texts(), 1)
    for piece in (7, TOKENS):
        logits, cache = read(model, config, texts(), piece)
        torch.testing.assert_close(logits, wanted, atol=1e-5, rtol=0)
        assert positions(cache) == positions(single)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_model_is_what_it_was_where_no_policy_cache_is_used(name):
    model, wanted = family(name)
    made(model, policy("tova", size=8))
    ids = texts()
    with torch.no_grad():
        assert torch.equal(model(input_ids=ids).logits, wanted)
        cache = DynamicCache(config=model.config)
        pieces = [model(input_ids=piece, past_key_values=cache).logits for piece in ids.split(15, dim=1)]
        torch.testing.assert_close(torch.cat(pieces, dim=1), wanted, atol=1e-5, rtol=0)
        real = torch.ones_like(ids)
        real[0, 18:] = 0
        padded = model(input_ids=ids, attention_mask=real).logits
        torch.testing.assert_close(padded[0, :18], wanted[0, :18], atol=1e-5, rtol=0)
        torch.testing.assert_close(padded[1], wanted[1], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", BOUNDED)
def test_the_state_is_of_the_size_and_no_larger(name):
    """2 * layers * key heads * head width * k numbers."""
    for family_name, kv_heads in (("llama", 2), ("llama_mha", 4)):
        model, _ = family(family_name, torch.float32)
        config = policy(name, size=8, scope="head")
        _, cache = read(model, config, texts()[:, :23], 7)
        assert cache.get_seq_length() == 23
        kept = 7 if name == "truncate" else 8  # of the third piece
        for layer in cache.layers:
            lanes = kv_heads if config.get("scope") == "head" else 1
            assert layer.positions.shape == (2, lanes, 8)
            assert (layer.positions >= 0).sum() == 2 * lanes * kept
            assert layer.keys.shape == layer.values.shape == (2, kv_heads, 8, 8)
        bytes_held = sum(t.numel() * t.element_size() for state in cache.states for t in state.slots_in_use())
        assert bytes_held == 2 * 2 * (2 * kv_heads * 8 * 8 * 4)  # of 2 rows


def test_a_name_with_options_and_a_policy_are_two_ways_to_say_one_thing():
    model, _ = family("llama")
    config = policy("tova", size=8, scope="head", first=2)
    wanted, _ = read(model, config, texts(), TOKENS)
    with torch.no_grad():
        cache = PolicyCache(model, policy="tova", size=8, scope="head", first=2)
        assert torch.equal(model(input_ids=texts(), past_key_values=cache).logits, wanted)


def test_h2o_on_an_untrained_model_keeps_the_first_and_the_last():
    """Nearly uniform weights, and those that have been there for longer have the larger sums."""
    model = make("Llama", initializer_range=0.002)
    _, cache = read(model, policy("h2o", size=10), texts(), TOKENS)
    wanted = [*range(5), *range(TOKENS - 5, TOKENS)]
    assert positions(cache) == [[[wanted] * 2] * 2] * 2


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", NAMES)
def test_half_precision_runs_and_stays_near(name, dtype):
    """Which of two near entries leaves may differ, so only the first tokens, before any has left, can be compared."""
    model, _ = family("llama", dtype)
    logits, cache = read(model, policy(name, size=8), texts(), 7)
    assert logits.dtype == dtype
    assert logits.isfinite().all()
    exact, _ = family("llama", torch.float32)
    wanted, _ = read(exact, policy("full"), texts()[:, :8], 8)
    torch.testing.assert_close(logits[:, :8].float(), wanted, atol=0.15, rtol=0)
    assert all(layer.keys.dtype == dtype for layer in cache.layers)
