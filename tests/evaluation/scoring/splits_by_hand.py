"""Checkpoints of random weights, and the score of each token of a split from plain passes."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tiny import decoder, options, shake

from reattend.data import build_corpus
from reattend.models.checkpoint import FORMAT, load_decoder
from reattend.models.decoder import Decoder
from reattend.records import EvaluationRecord

CONTEXT = 16
Given = dict[str, Any]
Score = Callable[..., EvaluationRecord]


def saved(
    path: Path, data: Given, *, attention: str = "softmax", layers: int = 2, of: Any = None, **sizes: Any
) -> Path:
    """A checkpoint as training saves it, of random weights; `of`: the text, where it is no more where `data` says."""
    corpus = build_corpus(of or data)
    mechanism = options("attention")[attention]
    model = decoder(mechanism, vocabulary=corpus.vocabulary, context=CONTEXT, layers=layers, **sizes)
    shake(model)
    shape = {"architecture": "decoder", "name": "test", "width": 8, "layers": layers, "heads": 2} | sizes
    config = {"attention": mechanism, "model": shape, "data": data, "seed": 3, "control": {"name": "none"}}
    kept = {"format": FORMAT, "config": config, "model": shape, "data": corpus.identity()}
    words = corpus.words()
    torch.save(
        {
            "reattend": kept | ({} if words is None else {"words": words}),
            "state_dict": {f"model.{key}": value for key, value in model.state_dict().items()},
        },
        path,
    )
    return path


def tokens_of(data: Given, split: str = "test") -> torch.Tensor:
    return torch.from_numpy(build_corpus(data).splits()[split].astype(np.int64))


def one_by_one(path: Path, tokens: torch.Tensor, *, window: int, stride: int) -> list[float]:
    """-ln p of each token but the first, from a pass of its own over what it may see, in float64."""
    model = load_decoder(path, setting="checkpoint").double()
    found = []
    for place in range(1, len(tokens)):
        start = max(0, -(-(place - window) // stride)) * stride  # the first window that reaches it
        with torch.no_grad():
            logits = model(tokens[None, start:place])[0, -1]
        found.append(-float(logits.log_softmax(-1)[tokens[place]]))
    return found


def masked(forward: Any, band: torch.Tensor, *inputs: Any, causal: bool, mask: None) -> torch.Tensor:
    found: torch.Tensor = forward(*inputs, causal=causal, mask=band)
    return found


def under_a_band(path: Path, tokens: torch.Tensor, *, memory: int) -> list[float]:
    """The same from one pass over all, each layer under a mask: an input sees itself and `memory` before it."""
    model: Decoder = load_decoder(path, setting="checkpoint").double()
    length = len(tokens) - 1
    back = torch.arange(length)[:, None] - torch.arange(length)
    band = ((back >= 0) & (back <= memory))[None, None]
    for mechanism in model.mechanisms:
        mechanism.forward = functools.partial(masked, mechanism.forward, band)  # type: ignore[method-assign]
    with torch.no_grad():
        log_p = model(tokens[None, :-1])[0].log_softmax(-1)
    return (-log_p.gather(1, tokens[1:, None]))[:, 0].tolist()
