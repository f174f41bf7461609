"""Norms of the loss's gradients with respect to W_Q, W_K and W_V, by layer (Frobenius norms)."""

import torch
from torch import Tensor

from reattend.models.decoder import Decoder
from reattend.models.layers import Block

PARTS = ("gradient_query", "gradient_key", "gradient_value")  # side by side in a layer's one matrix


def gradient_norms(model: Decoder) -> dict[str, list[float]]:
    """Of the gradients that a backward pass has left on the parameters: nothing is computed anew."""
    return {name: norms.tolist() for name, norms in _norms([weight.grad for weight in _weights(model)]).items()}


@torch.enable_grad()
def of_each_sample(model: Decoder, tokens: Tensor, targets: Tensor) -> tuple[dict[str, Tensor], list[float]]:
    """Of each sample's mean -ln p: the norms by name, [L, B], and those losses. Parameters' own gradients stay."""
    weights, norms, losses = _weights(model), [], []
    for sample, wanted in zip(tokens.split(1), targets.split(1), strict=True):
        nats, count = model.loss(sample, wanted)
        norms.append(_norms(torch.autograd.grad(nats / count, weights)))
        losses.append((nats / count).item())
    return {name: torch.stack([found[name] for found in norms], dim=1) for name in PARTS}, losses


def _weights(model: Decoder) -> list[Tensor]:
    """[3 W, W] of each layer."""
    return [block.attention.inputs.weight for block in model.blocks if isinstance(block, Block)]


def _norms(gradients: "list[Tensor | None] | tuple[Tensor, ...]") -> dict[str, Tensor]:
    """[L] each."""
    thirds = []
    for gradient in gradients:
        assert gradient is not None, "a backward pass comes first"
        thirds.append(torch.stack([part.norm() for part in gradient.chunk(len(PARTS))]))
    return dict(zip(PARTS, torch.stack(thirds, dim=1), strict=True))
