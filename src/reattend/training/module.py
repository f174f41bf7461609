"""The Lightning module: how a model learns a batch and how it scores a split."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from reattend.metrics.likelihood import Likelihood
from reattend.settings import Stop, call_by_name
from reattend.training import optimizers, schedules
from reattend.training.objective import Objective


class NonFiniteLossError(Stop):
    """The loss, or a weight that the next loss would come from, became infinite or not a number."""

    def __init__(self, what: str, step: int) -> None:
        super().__init__(
            f"{what} at step {step}. The last checkpoint, if there is one, holds a state before it. "
            "Lower optimizer.learning_rate, raise schedule.warmup_steps or set a smaller trainer.gradient_clip."
        )


class Learning(pl.LightningModule):
    """Descends the loss of an objective."""

    def __init__(
        self,
        *,
        model: nn.Module,
        objective: Objective,
        optimizer: Mapping[str, Any],
        schedule: Mapping[str, Any],
        max_steps: int,
    ) -> None:
        super().__init__()
        self.model, self.objective, self.max_steps = model, objective, max_steps
        self.optimizer_config, self.schedule_config = optimizer, schedule
        self.pending: list[tuple[int, Tensor, Tensor]] = []  # (step, nats, count), not yet brought from the device

    def training_step(self, batch: Any, index: int) -> Tensor:
        loss, nats, count = self.objective.losses(self.model, batch)
        self.pending.append((self.global_step + 1, nats.detach(), count))
        return loss

    def settle(self) -> list[tuple[float, int]]:
        """Bring the pending (nats, count) from the device. Done every few steps, since each look makes a GPU wait."""
        pending, self.pending = self.pending, []
        for step, nats, _ in pending:
            if not torch.isfinite(nats):
                raise NonFiniteLossError(f"The training loss is {nats.item()}", step)
        return [(nats.item(), int(count)) for _, nats, count in pending]

    def refuse_non_finite(self) -> None:
        """A finite loss may have had a gradient that was not, which shows in the weights."""
        for name, parameter in self.model.named_parameters():
            if not parameter.isfinite().all():
                raise NonFiniteLossError(f"{name} is not finite after the update", self.global_step)

    @torch.inference_mode()
    def evaluate(self, batches: Iterable[tuple[Tensor, ...]]) -> Likelihood:
        """The likelihood of a whole split under the model as it stands; dropout must be off."""
        assert not self.training
        total = Likelihood()
        with self.trainer.precision_plugin.forward_context():
            for batch in batches:
                nats, count = self.model.loss(*(tensor.to(self.device) for tensor in batch))  # type: ignore[operator]
                total.add(nats.item(), int(count))
        if not math.isfinite(total.nats):
            raise NonFiniteLossError(f"The loss of an evaluation is {total.nats}", self.global_step)
        return total

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """By norm. Lightning's own refuses fused optimisers under bfloat16, for a gradient scaler that is not used."""
        if gradient_clip_val:
            nn.utils.clip_grad_norm_(self.parameters(), gradient_clip_val)

    def configure_optimizers(self) -> Any:
        optimizer = call_by_name(
            optimizers,
            self.optimizer_config,
            group="optimizer",
            parameters=list(self.model.named_parameters()),
        )
        schedule = call_by_name(schedules, self.schedule_config, group="schedule", max_steps=self.max_steps)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": LambdaLR(optimizer, schedule), "interval": "step"},
        }
