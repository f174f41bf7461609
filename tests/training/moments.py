"""Something happens at a chosen training batch: a signal, a loss that is not a number, a gradient that is none."""

from collections.abc import Callable

import pytest
from torch import Tensor

from reattend.models.decoder import Decoder

Loss = tuple[Tensor, Tensor]


def at_batch(
    patch: pytest.MonkeyPatch, number: int, do: Callable[[Decoder, Loss], Loss]
) -> list[tuple[Tensor, Tensor]]:
    """From now on, the `number`-th training batch (from 1) has the loss that `do` makes of it; returns the batches."""
    plain, seen = Decoder.loss, []

    def loss(model: Decoder, tokens: Tensor, targets: Tensor) -> Loss:
        found = plain(model, tokens, targets)
        if model.training:
            seen.append((tokens, targets))
            if len(seen) == number:
                return do(model, found)
        return found

    patch.setattr(Decoder, "loss", loss)
    return seen
