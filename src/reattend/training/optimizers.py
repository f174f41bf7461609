"""Optimisers by name; each takes the model's named parameters and its own options."""

from collections.abc import Iterable

from torch import nn
from torch.optim import AdamW, Optimizer

from reattend.settings import at_least, within


def adamw(
    *,
    parameters: Iterable[tuple[str, nn.Parameter]],
    learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    weight_decay: float,
) -> Optimizer:
    """AdamW (Loshchilov & Hutter, 1711.05101). Matrices decay; biases, gains and the mechanisms' scalars do not."""
    at_least("optimizer.learning_rate", learning_rate, 0.0)
    at_least("optimizer.weight_decay", weight_decay, 0.0)
    within("optimizer.beta1", beta1, 0.0, 1.0)
    within("optimizer.beta2", beta2, 0.0, 1.0)
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in parameters:
        if parameter.requires_grad:
            (decayed if name.endswith("weight") and parameter.ndim >= 2 else free).append(parameter)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]
    return AdamW(groups, lr=learning_rate, betas=(beta1, beta2), eps=epsilon, fused=True)
