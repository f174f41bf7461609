"""Models and uses that a cache policy cannot serve: each is refused by name and reason, none is read wrongly."""

import pytest
import torch
from one_layer import policy
from tiny_models import make, texts

from reattend.cache import PolicyCache, build_policy
from reattend.settings import SettingError

LAYERS = {"layer_types": ["linear_attention", "full_attention"]}
REFUSED = [  # as soon as a cache is made
    ("Falcon", "ForCausalLM", {}, "its attention does not go through transformers' AttentionInterface"),
    ("Bloom", "ForCausalLM", {}, "its attention does not go through transformers' AttentionInterface"),
    ("Mpt", "ForCausalLM", {}, "its attention does not go through transformers' AttentionInterface"),
    ("T5", "ForConditionalGeneration", {}, "it is an encoder-decoder"),
    ("Mamba", "ForCausalLM", {}, "it is a hybrid, with layers of linear_attention"),
    (
        "Jamba",
        "ForCausalLM",
        {"attn_layer_period": 2, "attn_layer_offset": 1},
        "it is a hybrid, with layers of linear_at",
    ),
    ("Qwen3Next", "ForCausalLM", LAYERS, "it is a hybrid, with layers of linear_attention"),
    ("Lfm2", "ForCausalLM", {"layer_types": ["conv", "full_attention"]}, "it is a hybrid, with layers of conv"),
]
ODD = [  # at the first text, when its attention shows what it is
    ("GptOss", {"head_dim": 8, "num_local_experts": 2, "num_experts_per_tok": 1}, "its attention takes s_aux"),
    (
        "DeepseekV3",
        {"num_key_value_heads": 4, "kv_lora_rank": 8, "q_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 4},
        "changes the keys",
    ),
    (
        "Gemma3nText",
        {
            "head_dim": 8,
            "num_kv_shared_layers": 1,
            "layer_types": ["full_attention"] * 2,
            "intermediate_size": [48, 48],
            "vocab_size_per_layer_input": 61,
            "hidden_size_per_layer_input": 8,
            "laurel_rank": 4,
            "activation_sparsity_pattern": [0.0, 0.0],
        },
        "or takes another layer's",
    ),
]


def refused(call):
    with pytest.raises(SettingError) as error:
        call()
    return str(error.value)


@pytest.mark.parametrize(("kind", "head", "changes", "reason"), REFUSED, ids=[case[0] for case in REFUSED])
def test_a_model_whose_attention_cannot_be_replaced_is_named_with_the_reason(kind, head, changes, reason):
    model = make(kind, head=head, **changes)
    before = model.config._attn_implementation
    message = refused(lambda: PolicyCache(model, policy="tova", size=8))
    assert message.startswith(f"model={kind}{head}: expected a decoder of transformers whose attention can be replaced")
    assert reason in message
    assert model.config._attn_implementation == before


@pytest.mark.parametrize(("kind", "changes", "reason"), ODD, ids=[case[0] for case in ODD])
@torch.no_grad()
def test_attention_of_another_kind_is_refused_and_the_model_stays_itself(kind, changes, reason):
    model, ids = make(kind, **changes), texts(tokens=12)
    wanted = model(input_ids=ids).logits
    for name, size in (("tova", 8), ("window", 64)):
        cache = PolicyCache(model, policy=name, size=size)
        message = refused(lambda cache=cache: model(input_ids=ids, past_key_values=cache))
        assert message.startswith(f"model={kind}Attention: ")
        assert reason in message
    assert torch.equal(model(input_ids=ids).logits, wanted)


def test_what_is_no_model_of_transformers():
    message = refused(lambda: PolicyCache(torch.nn.Linear(2, 2), policy="tova", size=8))
    assert message.startswith("model=Linear: ")
    assert "it is no model of transformers" in message


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("Mistral", {}),
        ("Qwen2", {"use_sliding_window": True, "max_window_layers": 0}),
        ("Gemma2", {"head_dim": 8}),
        ("Phi3", {}),
    ],
)
@pytest.mark.parametrize("name", ["tova", "window"])
@torch.no_grad()
def test_a_model_with_a_window_of_its_own_is_read_up_to_it(kind, changes, name):
    model, ids = make(kind, sliding_window=8, **changes), texts(tokens=20)
    wanted = model(input_ids=ids[:, :8]).logits
    cache = PolicyCache(model, policy=name, size=8)
    torch.testing.assert_close(model(input_ids=ids[:, :8], past_key_values=cache).logits, wanted, atol=1e-5, rtol=0)
    for pieces in ([9], [8, 1], [20]):
        cache = PolicyCache(model, policy=name, size=8)

        def read(cache=cache, pieces=pieces):
            for piece in ids[:, : sum(pieces)].split(pieces, dim=1):
                model(input_ids=piece, past_key_values=cache)

        message = refused(read)
        assert message.startswith(f"sliding_window=8: expected at least the {sum(pieces)} tokens that are read")
        assert "model.config.sliding_window=None" in message


@torch.no_grad()
def test_a_window_that_is_switched_off_is_none():
    ids = texts(tokens=20)
    for model in (make("Qwen2", sliding_window=8, use_sliding_window=False), make("Mistral", sliding_window=None)):
        wanted = model(input_ids=ids).logits
        cache = PolicyCache(model, policy="window", size=20)
        torch.testing.assert_close(model(input_ids=ids, past_key_values=cache).logits, wanted, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_cache_serves_the_model_it_was_made_for_with_the_attention_it_has_set():
    """Another attention would see the new keys alone and say nothing."""
    first, second, ids = make("Llama"), make("Llama"), texts(tokens=20)
    for model, cache in (
        (second, PolicyCache(first, policy="tova", size=8)),
        (first, PolicyCache(first, policy="window", size=8)),
    ):
        model.set_attn_implementation("sdpa")
        message = refused(lambda model=model, cache=cache: model(input_ids=ids, past_key_values=cache))
        assert message.startswith("past_key_values=PolicyCache: expected the model that the PolicyCache was made for")


@torch.no_grad()
def test_a_mask_of_pairs_is_refused():
    model, ids = make("Llama"), texts(tokens=6)
    pairs = torch.ones(2, 1, 6, 6, dtype=torch.bool).tril()
    for name in ("tova", "window"):
        cache = PolicyCache(model, policy=name, size=8)
        message = refused(lambda cache=cache: model(input_ids=ids, past_key_values=cache, attention_mask=pairs))
        assert "its mask is not one of padding" in message


def test_a_state_does_not_go_back():
    model = make("Llama")
    cache = PolicyCache(model, policy="tova", size=8)
    assert refused(cache.reset).startswith("past_key_values=reset(): expected a new PolicyCache for a new text.")
    assert refused(lambda: cache.crop(3)).startswith("past_key_values=crop(): expected a state that can go back")
    how = {"prompt_lookup_num_tokens": 3, "max_new_tokens": 5, "do_sample": False}
    with pytest.raises((SettingError, ValueError)):
        model.generate(texts(rows=1, tokens=20), past_key_values=cache, **how)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"policy": "tova", "size": 0}, "policy.size=0: expected at least 1."),
        ({"policy": "tova", "size": 2.5}, "policy.size=2.5: expected a whole number."),
        ({"policy": "tova", "entries": 8}, "policy.entries=8: expected a known option (size, "),
        ({"policy": "tova"}, "policy.size=???: expected a value."),
        ({"policy": "toba", "size": 8}, "policy=toba: expected one of "),
        ({"policy": build_policy(policy("h2o")), "size": 8}, "policy=H2O: expected a name beside the options size."),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_and_changes_nothing(given, message):
    model = make("Llama")
    assert refused(lambda: PolicyCache(model, **given)).startswith(message)
    assert model.config._attn_implementation == "sdpa"
