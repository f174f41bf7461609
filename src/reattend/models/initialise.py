"""Every parameter starts from a stream of its own, chosen by (seed, parameter name).

So two models of the same seed that differ in their attention alone start with the same numbers in everything they
share, and a mechanism that adds parameters disturbs nobody else's. (With one stream for all, the first new parameter
shifts every later one, and a comparison "at the same seed" compares two draws.)

Matrices and embeddings are N(0, 2 / (5 width)) ("small init", Nguyen & Salazar, arXiv 1910.05895): GPT-2's 0.02 at
width 1024, and larger in narrower models, which 0.02 leaves learning slowly. Those that write to the residual path
are divided by sqrt(2 * layers), so that its variance does not grow with depth. Biases are 0, gains 1.
"""

import hashlib

import torch
from torch import nn


def stream(seed: int, name: str) -> torch.Generator:
    """A generator that depends on the seed and the name alone."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "little"))


@torch.no_grad()
def initialise(model: nn.Module, *, seed: int, width: int, layers: int) -> None:
    """Fill every parameter of `model`; a module with an `initialise(generator)` of its own fills itself."""
    plain = (2 / (5 * width)) ** 0.5
    for name, module in model.named_modules():
        own = getattr(module, "initialise", None)
        if own is not None:
            own(stream(seed, name))
        elif isinstance(module, nn.Linear | nn.Embedding):
            writes_to_residual = name.endswith(("attention.output", "feed_forward.down"))
            std = plain / (2 * layers) ** 0.5 if writes_to_residual else plain
            module.weight.normal_(0.0, std, generator=stream(seed, name))
            if isinstance(module, nn.Linear) and module.bias is not None:
                module.bias.zero_()
