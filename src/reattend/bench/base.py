"""What every suite keeps: options in, a table printed while it runs, ratios out.

Seconds differ from machine to machine and from minute to minute; ratios of two sides measured in turn differ
little. So a suite returns ratios alone, and its table shows the seconds behind them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from reattend.bench.measure import Step
from reattend.settings import SettingError, at_least
from reattend.training import optimizers

DeviceName = Literal["auto", "cpu", "cuda"]
VOCABULARY = 256
WARMUP = 2  # rounds that are run but not counted: the first steps allocate memory and choose kernels


class Suite(ABC):
    """One comparison; `run` prints a table and returns what the last line of the script holds."""

    device: torch.device  # where it measures

    def __init__(self, *, rounds: int) -> None:
        at_least("suite.rounds", rounds, 1)
        self.rounds = rounds

    @abstractmethod
    def run(self) -> dict[str, Any]:
        """Numbers and names only, so that it can be one line of JSON."""

    def settle(self) -> None:
        """Wait until the device has done what it was told; a GPU is told ahead of time."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


def named_device(device: DeviceName) -> torch.device:
    """The device that `suite.device` names."""
    if device == "cuda" and not torch.cuda.is_available():
        raise SettingError("suite.device", device, "a machine with a CUDA GPU", "Set suite.device=cpu.")
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(automatic if device == "auto" else device)


def fused_adamw(model: nn.Module) -> torch.optim.Optimizer:
    """As the default of training has it."""
    return optimizers.adamw(
        parameters=model.named_parameters(),
        learning_rate=1e-3,
        beta1=0.9,
        beta2=0.95,
        epsilon=1e-8,
        weight_decay=0.1,
    )


def training_step(
    model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], *, batch_size: int, context: int, device: torch.device
) -> Step:
    """One step as in training, on a batch of random tokens: forward, backward, clip, fused AdamW."""
    model.to(device).train()
    draw = torch.Generator().manual_seed(0)
    text = torch.randint(VOCABULARY, (batch_size, context + 1), generator=draw).to(device)
    inputs, targets = text[:, :-1], text[:, 1:]  # each [B, T]
    optimizer = fused_adamw(model)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            value = loss(inputs, targets)
        value.backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step
