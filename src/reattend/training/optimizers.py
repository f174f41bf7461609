"""Optimisers by name; each takes the model's named parameters and its own options."""

from collections.abc import Iterable
from typing import Any

from torch import nn
from torch.optim import AdamW, Optimizer

from reattend.models import MECHANISM
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
    groups = _decayed_or_free(parameters, weight_decay=weight_decay)
    return _adamw(groups, learning_rate=learning_rate, betas=(beta1, beta2), epsilon=epsilon)


def adamw_fine_tuning(
    *,
    parameters: Iterable[tuple[str, nn.Parameter]],
    learning_rate: float,
    new_learning_rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    weight_decay: float,
) -> Optimizer:
    """The same, but what mechanisms add to a pretrained model has a rate of its own."""
    at_least("optimizer.learning_rate", learning_rate, 0.0)
    at_least("optimizer.new_learning_rate", new_learning_rate, 0.0)
    old: list[tuple[str, nn.Parameter]] = []
    new: list[tuple[str, nn.Parameter]] = []
    for name, parameter in parameters:
        (new if MECHANISM in name else old).append((name, parameter))
    groups = _decayed_or_free(old, weight_decay=weight_decay)
    for group in _decayed_or_free(new, weight_decay=weight_decay):
        groups.append({**group, "lr": new_learning_rate})
    return _adamw(groups, learning_rate=learning_rate, betas=(beta1, beta2), epsilon=epsilon)


def _decayed_or_free(parameters: Iterable[tuple[str, nn.Parameter]], *, weight_decay: float) -> list[dict[str, Any]]:
    at_least("optimizer.weight_decay", weight_decay, 0.0)
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in parameters:
        if parameter.requires_grad:
            (decayed if name.endswith("weight") and parameter.ndim >= 2 else free).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": free, "weight_decay": 0.0}]


def _adamw(
    groups: list[dict[str, Any]], *, learning_rate: float, betas: tuple[float, float], epsilon: float
) -> Optimizer:
    for number, beta in enumerate(betas, 1):
        within(f"optimizer.beta{number}", beta, 0.0, 1.0)
    return AdamW(groups, lr=learning_rate, betas=betas, eps=epsilon, fused=True)
