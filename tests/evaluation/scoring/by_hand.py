"""Perplexity the plain way: the library's own forward pass, probabilities in float64, characters one by one."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from tokenizers import Tokenizer


def chunks(tokens: int, length: int) -> Iterator[range]:
    """Of `length` tokens each, the last one shorter."""
    for start in range(0, tokens, length):
        yield range(start, min(start + length, tokens))


def nats(forward: Callable[[torch.Tensor], torch.Tensor], ids: list[int]) -> float:
    """Sum of -ln p of all tokens but the first, from the logits [1, T, vocabulary] of one pass."""
    with torch.no_grad():
        log_p = forward(torch.tensor([ids])).double().log_softmax(-1)
    return -sum(float(log_p[0, t, token]) for t, token in enumerate(ids[1:]))


def full(model: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    """A pass without any cache."""
    return lambda ids: model(input_ids=ids, use_cache=False).logits


def ends(tokenizer: Tokenizer, text: str) -> list[int]:
    """Where each token ends, in characters; of those that share one, the first has it."""
    places, furthest = [], 0
    for _, end in tokenizer.encode(text, add_special_tokens=False).offsets:
        furthest = max(furthest, end)
        places.append(furthest)
    return [*places[:-1], len(text)]


def words(text: str, start: int, end: int) -> int:
    """How many words begin in text[start:end]."""
    return sum(not text[i].isspace() and (i == 0 or text[i - 1].isspace()) for i in range(start, end))
