"""The Lightning module of a language model: how it learns a batch and how it scores a split."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR

from reattend.metrics.likelihood import Likelihood
from reattend.models.decoder import Decoder
from reattend.settings import Stop, call_by_name
from reattend.training import optimizers, schedules

Batch = tuple[Tensor, Tensor]


class NonFiniteLossError(Stop):
    """The loss, or a weight that the next loss would come from, became infinite or not a number."""

    def __init__(self, what: str, step: int) -> None:
        super().__init__(
            f"{what} at step {step}. The last checkpoint, if there is one, holds a state before it. "
            "Lower optimizer.learning_rate, raise schedule.warmup_steps or set a smaller trainer.gradient_clip."
        )


class LanguageModelling(pl.LightningModule):
    """Minimises the mean -ln p of the next token."""

    def __init__(
        self, *, model: Decoder, optimizer: Mapping[str, Any], schedule: Mapping[str, Any], max_steps: int
    ) -> None:
        super().__init__()
        self.model, self.max_steps = model, max_steps
        self.optimizer_config, self.schedule_config = optimizer, schedule
        self.pending: list[tuple[int, Tensor, Tensor]] = []  # (step, nats, count), not yet brought from the device

    def training_step(self, batch: Batch, index: int) -> Tensor:
        nats, count = self.model.loss(*batch)
        self.pending.append((self.global_step + 1, nats.detach(), count))
        return nats / count

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
    def evaluate(self, batches: Iterable[Batch]) -> Likelihood:
        """The likelihood of a whole split under the model as it stands."""
        total = Likelihood()
        self.eval()
        with self.trainer.precision_plugin.forward_context():
            for batch in batches:
                nats, count = self.model.loss(*(tensor.to(self.device) for tensor in batch))
                total.add(nats.item(), int(count))
        self.train()
        if not math.isfinite(total.nats):
            raise NonFiniteLossError(f"The loss of an evaluation is {total.nats}", self.global_step)
        return total

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
