"""transformers' generate() with a PolicyCache: what a loop of one's own over exact steps would write."""

import pytest
import torch
from one_layer import BOUNDED, NAMES, policy
from tiny_models import VOCABULARY, family, texts

from reattend.cache import PolicyCache, build_policy

PROMPT, NEW = 12, 10


def write(model, config, prompt, **how):
    settings = {"max_new_tokens": NEW, "min_new_tokens": NEW, "do_sample": False} | how
    return model.generate(prompt, past_key_values=PolicyCache(model, build_policy(config)), **settings)


@torch.no_grad()
def logits_of(model, config, ids):
    return model(input_ids=ids, past_key_values=PolicyCache(model, build_policy(config))).logits


@pytest.mark.parametrize(
    ("name", "model_name"), [*((name, "llama") for name in NAMES), ("h2o", "gpt2"), ("tova", "gemma2")]
)
def test_greedy_text_is_the_likeliest_token_of_a_teacher_forced_pass(name, model_name):
    model, _ = family(model_name)
    config, prompt = policy(name, size=6), texts(tokens=PROMPT)
    written = write(model, config, prompt)
    assert torch.equal(written[:, :PROMPT], prompt)
    likeliest = logits_of(model, config, written)[:, PROMPT - 1 : -1].argmax(dim=-1)
    assert torch.equal(written[:, PROMPT:], likeliest)


@pytest.mark.parametrize("name", [name for name in BOUNDED if "prefill" in policy(name)])
def test_with_trim_the_first_token_is_the_models_own(name):
    model, _ = family("llama")
    prompt, one = texts(rows=6, tokens=PROMPT), {"max_new_tokens": 1, "min_new_tokens": 1}
    own = write(model, policy("full"), prompt, **one)
    assert torch.equal(write(model, policy(name, size=3, prefill="trim", first=1), prompt, **one), own)
    assert not torch.equal(write(model, policy("tova", size=3), prompt, **one), own)


def test_the_full_state_writes_what_transformers_own_cache_does():
    model, _ = family("llama")
    prompt, how = texts(tokens=PROMPT), {"max_new_tokens": NEW, "min_new_tokens": NEW}
    for search in ({"do_sample": False}, {"num_beams": 3, "do_sample": False}):
        assert torch.equal(write(model, policy("full"), prompt, **search), model.generate(prompt, **how, **search))


def test_sampling_repeats_with_its_seed():
    model, _ = family("llama")

    def sample(seed):
        torch.manual_seed(seed)
        return write(model, policy("tova", size=6), texts(tokens=PROMPT), do_sample=True)

    assert torch.equal(sample(1), sample(1))
    assert not torch.equal(sample(1), sample(2))


@pytest.mark.parametrize("name", NAMES)
def test_several_samples_of_a_prompt_are_each_read_alone(name):
    """A sample's tokens could have been drawn: its own pass gives each of them more than the 5 likeliest need."""
    model, _ = family("llama")
    config, prompt = policy(name, size=6), texts(tokens=PROMPT)
    torch.manual_seed(0)
    written = write(model, config, prompt, do_sample=True, num_return_sequences=3, top_k=5)
    assert len(written) == 6
    assert len({tuple(row) for row in written.tolist()}) == 6
    likeliest = logits_of(model, config, written)[:, PROMPT - 1 : -1].topk(5).indices
    assert (likeliest == written[:, PROMPT:, None]).any(dim=-1).all()


@torch.no_grad()
def by_hand(model, config, prompt, beams):
    """Beam search that reads every beam from the start at every step; no token ends a text."""
    rows, scores = prompt, torch.zeros(1, dtype=torch.float64)
    for _ in range(NEW):
        following = logits_of(model, config, rows)[:, -1].log_softmax(dim=-1)
        scores, best = (scores[:, None] + following).flatten().topk(beams)
        rows = torch.cat([rows[best // VOCABULARY], best[:, None] % VOCABULARY], dim=1)
    return rows[0]


@pytest.mark.parametrize("name", ["full", "window", "h2o", "random"])
def test_beam_search_reorders_the_states(name):
    model, _ = family("llama")
    config, prompt = policy(name, size=6), texts(tokens=PROMPT)
    written = write(model, config, prompt, num_beams=3)
    for row, start in zip(written, prompt, strict=True):
        assert torch.equal(row, by_hand(model, config, start[None], beams=3))


@pytest.mark.parametrize("model_name", ["llama", "gpt2", "gemma2"])  # rotary, learned positions, its own attention
@pytest.mark.parametrize("name", ["full", "window", "tova"])
def test_a_prompt_with_padding_before_it_is_continued_as_alone(name, model_name):
    model, _ = family(model_name)
    lengths, config = (PROMPT, 7, 3), policy(name, size=6)
    prompts = texts(rows=3, tokens=PROMPT)
    real = torch.arange(PROMPT) >= PROMPT - torch.tensor(lengths)[:, None]
    written = write(model, config, prompts.masked_fill(~real, 0), attention_mask=real.long())
    for row, length in enumerate(lengths):
        alone = write(model, config, prompts[row : row + 1, PROMPT - length :])
        assert torch.equal(written[row, PROMPT:], alone[0, length:])


def test_a_conversation_goes_on_with_the_state_it_has():
    """The second call is given the whole text, of which the state has read all but the last token and what is new."""
    model, _ = family("llama")
    config, prompt = policy("tova", size=6), texts(rows=1, tokens=PROMPT)
    how = {"max_new_tokens": NEW, "min_new_tokens": NEW, "do_sample": False}
    cache = PolicyCache(model, build_policy(config))
    first = model.generate(prompt, past_key_values=cache, **how)
    said = torch.cat([first, texts(rows=1, tokens=5, seed=1)], dim=1)
    again = model.generate(said, past_key_values=cache, **how)
    assert torch.equal(again, write(model, config, said))
