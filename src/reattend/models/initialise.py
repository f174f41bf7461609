"""Every parameter starts from a stream of its own, chosen by (seed, parameter name).

So two models of the same seed that differ in their attention alone start with the same numbers in everything they
share, and a mechanism that adds parameters disturbs nobody else's. (With one stream for all, the first new parameter
shifts every later one, and a comparison "at the same seed" compares two draws.)

small    Matrices and embeddings are N(0, 2 / (5 width)) ("small init", Nguyen & Salazar, arXiv 1910.05895): GPT-2's
         0.02 at width 1024, and larger in narrower models, which 0.02 leaves learning slowly. Those that write to the
         residual path are divided by sqrt(2 * layers), so that its variance does not grow with depth.
glorot   As fairseq's Transformer: matrices uniform with variance 2 / (in + out) (Glorot & Bengio 2010), half of that
         for W_Q, W_K and W_V; embeddings and a separate output matrix N(0, 1 / width), the row of padding 0.

Biases are 0, gains 1.
"""

import hashlib
from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

Initialisation = Literal["small", "glorot"]
Fill = Callable[[str, Tensor, torch.Generator], object]


def stream(seed: int, name: str) -> torch.Generator:
    """A generator that depends on the seed and the name alone."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))


def initialise(model: nn.Module, *, seed: int, width: int, layers: int, rule: Initialisation = "small") -> None:
    """Fill every parameter of `model`; a module with an `initialise(generator)` of its own fills itself."""
    _each(model, seed, RULES[rule](width, layers))


@torch.no_grad()
def _each(model: nn.Module, seed: int, fill: Fill) -> None:
    for name, module in model.named_modules():
        own = getattr(module, "initialise", None)
        if own is not None:
            own(stream(seed, name))
        elif isinstance(module, nn.Linear | nn.Embedding):
            fill(name, module.weight, stream(seed, name))
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.zero_()
            if isinstance(module, nn.Embedding) and module.padding_idx is not None:
                module.weight[module.padding_idx].zero_()


def _small(width: int, layers: int) -> Fill:
    plain = (2 / (5 * width)) ** 0.5

    def fill(name: str, weight: Tensor, generator: torch.Generator) -> None:
        writes_to_residual = name.endswith(("attention.output", "feed_forward.down"))
        std = plain / (2 * layers) ** 0.5 if writes_to_residual else plain
        weight.normal_(0.0, std, generator=generator)

    return fill


def _glorot(width: int, layers: int) -> Fill:
    def fill(name: str, weight: Tensor, generator: torch.Generator) -> None:
        if name.endswith(("attention.inputs", "attention.query", "attention.memory")):  # each part is width x width
            bound = (3 / (2 * width)) ** 0.5
        elif name.endswith(("attention.output", "feed_forward.up", "feed_forward.down")):
            bound = (6 / sum(weight.shape)) ** 0.5
        else:
            weight.normal_(0.0, width**-0.5, generator=generator)
            return
        weight.uniform_(-bound, bound, generator=generator)

    return fill


RULES: dict[str, Callable[[int, int], Fill]] = {"small": _small, "glorot": _glorot}
