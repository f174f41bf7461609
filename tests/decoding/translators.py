"""Tiny translation models, sentences for them, and searches written out with whole forward passes."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from tiny import shake
from torch import Tensor

from reattend.data.parallel.dictionary import BOS, EOS, PAD, UNK
from reattend.decoding import Hypothesis
from reattend.models.encoder_decoder import EncoderDecoder


def translator(attention: Mapping[str, Any], *, vocabulary: int = 11, seed: int = 0, **sizes: Any) -> EncoderDecoder:
    """In float64, of random weights large enough that its probabilities are far from even."""
    shape = {"width": 8, "encoder_layers": 2, "decoder_layers": 2, "heads": 2, "feed_forward": 12, "context": 32}
    model = EncoderDecoder(attention=attention, vocabulary=(12, vocabulary), seed=seed, **shape | sizes)
    shake(model.double(), seed=seed)
    return model.eval()


def sentences(*lengths: int, seed: int = 0) -> list[list[int]]:
    draw = torch.Generator().manual_seed(seed)
    return [[*torch.randint(3, 12, (length - 1,), generator=draw).tolist(), EOS] for length in lengths]


def padded(rows: Sequence[Sequence[int]], *, width: int = 0) -> Tensor:
    width = max(width, *map(len, rows))
    return torch.tensor([[*row, *[PAD] * (width - len(row))] for row in rows])


@torch.inference_mode()
def next_log_p(model: EncoderDecoder, source: Sequence[int], tokens: Sequence[int]) -> list[float]:
    """ln p of each next target token, by one whole pass."""
    return model(torch.tensor([source]), torch.tensor([[EOS, *tokens]]))[0, -1].log_softmax(-1).tolist()


def may_follow(token: int, length: int, limit: int, unknown: str) -> bool:
    """Whether a token may stand behind `length` others."""
    if token in (BOS, PAD) or (token == UNK and unknown == "forbid"):
        return False
    return token == EOS if length == limit else token != EOS or length > 0


def plain_beam(
    model: EncoderDecoder,
    source: Sequence[int],
    *,
    beam: int,
    limit: int,
    length_penalty: float = 1.0,
    n_best: int = 1,
    unknown: str = "keep",
) -> list[Hypothesis]:
    """Beam search over lists, as fairseq's rules read."""
    lines: list[tuple[float, list[int]]] = [(0.0, [])]
    finished: list[Hypothesis] = []
    for length in range(limit + 1):
        candidates = []
        for score, tokens in lines:
            log_p = next_log_p(model, source, tokens)
            allowed = (token for token in range(len(log_p)) if may_follow(token, length, limit, unknown))
            candidates += [(score + log_p[token], [*tokens, token]) for token in allowed]
        candidates = sorted(candidates, key=lambda candidate: -candidate[0])[: 2 * beam]
        for score, tokens in candidates[:beam]:
            if tokens[-1] == EOS and len(finished) < beam:
                finished.append(Hypothesis(tokens[:-1], score / len(tokens) ** length_penalty, score))
        lines = [candidate for candidate in candidates if candidate[1][-1] != EOS][:beam]
        if len(finished) == beam:
            break
    return sorted(finished, key=lambda one: -one.score)[:n_best]


def every_sequence(
    model: EncoderDecoder, source: Sequence[int], *, limit: int, length_penalty: float
) -> list[Hypothesis]:
    """All target sentences of at most `limit` tokens, best first."""
    words = [token for token in range(model.output.out_features) if token not in (BOS, PAD, EOS)]
    found = []
    for length in range(1, limit + 1):
        for tokens in itertools.product(words, repeat=length):
            steps = [next_log_p(model, source, tokens[:t])[(*tokens, EOS)[t]] for t in range(length + 1)]
            found.append(Hypothesis(list(tokens), sum(steps) / (length + 1) ** length_penalty, sum(steps)))
    return sorted(found, key=lambda one: -one.score)


def assert_same(found: Sequence[Hypothesis], wanted: Sequence[Hypothesis]) -> None:
    assert [one.tokens for one in found] == [one.tokens for one in wanted]
    for name in ("score", "log_probability"):
        mine, theirs = (
            torch.tensor([getattr(one, name) for one in side], dtype=torch.float64) for side in (found, wanted)
        )
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-9)
