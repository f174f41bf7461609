"""The `trainer` group: how long, on what, and how often to look."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import torch

from reattend.settings import SettingError, at_least, check_types


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """The `trainer` group; its files say what each value means."""

    max_steps: int
    accumulate: int
    gradient_clip: float
    accelerator: Literal["auto", "cpu", "gpu"]
    precision: Literal["auto", "float32", "bfloat16"]
    threads: int | None
    validations: int
    checkpoint_every: int
    log_every: int
    progress: bool
    diagnose_every: int | None = None

    def __post_init__(self) -> None:
        for setting in ("max_steps", "accumulate", "validations", "checkpoint_every", "log_every"):
            at_least(f"trainer.{setting}", getattr(self, setting), 1)
        at_least("trainer.gradient_clip", self.gradient_clip, 0)
        for setting in ("threads", "diagnose_every"):
            at_least(f"trainer.{setting}", getattr(self, setting), 1)
        if self.accelerator == "gpu" and not torch.cuda.is_available():
            raise SettingError("trainer.accelerator", "gpu", "a machine with a CUDA GPU", "Set trainer=cpu.")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """The settings of a composed `trainer` group, checked."""
        options = {key: value for key, value in values.items() if key != "name"}
        return cls(**check_types(cls.__init__, options, group="trainer", given={}))

    @property
    def on_gpu(self) -> bool:
        return self.accelerator != "cpu" and torch.cuda.is_available()

    @property
    def device(self) -> torch.device:
        return torch.device("cuda" if self.on_gpu else "cpu")

    @property
    def bfloat16(self) -> bool:
        """Without a GPU, float32: a CPU's bfloat16 gains little and loses digits."""
        return self.precision == "bfloat16" or (self.precision == "auto" and self.on_gpu)

    def lightning(self) -> dict[str, Any]:
        """The same in Lightning's words."""
        return {
            "max_steps": self.max_steps,
            "max_epochs": -1,
            "accumulate_grad_batches": self.accumulate,
            "gradient_clip_val": self.gradient_clip or None,
            "accelerator": "gpu" if self.on_gpu else "cpu",
            "devices": 1,
            "precision": "bf16-mixed" if self.bfloat16 else "32-true",
            "log_every_n_steps": self.log_every,
        }
