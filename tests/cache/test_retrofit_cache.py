"""A PolicyCache on pretrained decoders with mechanisms in them."""

from typing import Any

import pytest
import torch
from retrofits import read, retrofit, shaken
from tiny import dagpam
from tiny_models import make, texts

from reattend.cache import PolicyCache

FULL = {"policy": "full"}


def in_pieces(model: Any, tokens: torch.Tensor, *sizes: int, **policy: Any) -> torch.Tensor:
    state = PolicyCache(model, **policy)
    return torch.cat([read(model, piece, past_key_values=state) for piece in tokens.split(list(sizes), dim=1)], dim=1)


@pytest.mark.parametrize("negative_key", ["none", "head_shared"])
@pytest.mark.parametrize("kind", ["Llama", "GPTNeoX", "GPT2"])
def test_reading_in_pieces_equals_one_pass(kind: str, negative_key: str) -> None:
    model = shaken(kind, dagpam(negative_key=negative_key)).lm
    whole = read(model, texts())
    torch.testing.assert_close(in_pieces(model, texts(), 7, 1, 16, **FULL), whole, rtol=0, atol=1e-5)
    tova = {"policy": "tova", "size": 6}
    torch.testing.assert_close(
        in_pieces(model, texts(), 5, 1, 18, **tova), in_pieces(model, texts(), 24, **tova), rtol=0, atol=1e-5
    )
    assert (in_pieces(model, texts(), 24, **tova) - whole)[:, 6:].abs().amax() > 1e-3


@pytest.mark.parametrize("policy", [FULL, {"policy": "window", "size": 5}, {"policy": "tova", "size": 5}])
def test_at_lambda_0_a_policy_keeps_what_it_keeps_of_the_pretrained_model(policy: dict[str, Any]) -> None:
    pretrained = make("Llama").double()
    model = retrofit(pretrained, dagpam(lambda_init=0.0)).double().lm
    ours, theirs = (in_pieces(m, texts(), 10, 14, **policy) for m in (model, pretrained))
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-10)


def test_padding_is_no_token() -> None:
    model = shaken("Llama", dagpam()).lm
    tokens = texts(rows=1)
    padded, mask = torch.cat([torch.zeros_like(tokens[:, :3]), tokens], dim=1), torch.ones(1, 27, dtype=torch.int64)
    mask[:, :3] = 0
    places = (mask.cumsum(1) - 1).clamp(min=0)
    state = PolicyCache(model, **FULL)
    logits = read(model, padded, past_key_values=state, attention_mask=mask, position_ids=places)
    torch.testing.assert_close(logits[:, 3:], read(model, tokens), rtol=0, atol=1e-5)
