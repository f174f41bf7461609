"""One pass of a decoder over a few short samples, and all that is to be known of its layers."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from reattend.diagnostics.jacobian import jacobian_norm
from reattend.diagnostics.likeness import residual_ratio, token_cosine
from reattend.diagnostics.stacks import STACKS, Stack, Tap, embedded, run
from reattend.diagnostics.weighing import describe
from reattend.models.decoder import Decoder

LIKENESS = {"residual_ratio": residual_ratio, "token_cosine": token_cosine}


@dataclass(frozen=True)
class Found:
    """A quantity of one stack: `values` [layers, B], the layers counted from 1, or from 0 for the embedded tokens."""

    stack: str
    quantity: str
    values: Tensor

    @property
    def first(self) -> int:
        """The number of the first layer."""
        return 0 if self.quantity in LIKENESS else 1


@torch.no_grad()
def measure(
    model: Decoder, tokens: Tensor, *, rows: int = 4, stacks: Mapping[str, Stack] = STACKS, causal: bool = True
) -> list[Found]:
    """Every quantity of `tokens` [B, T]: likeness in each stack; weights and their Jacobian at `rows` places in the
    first one. The model is in evaluation mode and keeps no trace."""
    found: list[Found] = []
    for name, stack in stacks.items():
        x = embedded(model, tokens)
        states, taps = [x], []
        for y, tap in run(model, x, stack, causal=causal):
            states.append(y)
            taps.append(tap)
        found += [Found(name, key, torch.stack([of(x) for x in states])) for key, of in LIKENESS.items()]
        if name == next(iter(stacks)):
            found += [Found(name, key, values) for key, values in _of_weights(model, taps, rows=rows).items()]
    return found


def _of_weights(model: Decoder, taps: list[Tap], *, rows: int) -> dict[str, Tensor]:
    """By name, [L, B] each; NaN in layers whose mechanism has no such quantity."""
    layers = []
    for mechanism, tap in zip(model.mechanisms, taps, strict=True):
        described = describe(mechanism, tap.queries, tap.keys, causal=tap.causal)
        places = spread(tap.keys[0].shape[2], rows)
        norm = jacobian_norm(mechanism, tap.queries, tap.keys, causal=tap.causal, rows=places)
        layers.append(described | {"jacobian_norm": norm})
    names = dict.fromkeys(name for layer in layers for name in layer)
    missing = torch.full_like(layers[0]["jacobian_norm"], torch.nan)
    return {name: torch.stack([layer.get(name, missing) for layer in layers]) for name in names}


def spread(length: int, rows: int) -> list[int]:
    """So many places of a text, or all, evenly spread, the last one included: T/4, T/2, 3T/4, T for four."""
    rows = min(rows, length)
    return [length * (i + 1) // rows - 1 for i in range(rows)]
