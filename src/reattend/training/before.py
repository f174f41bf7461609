"""What a model scores before its first step; the scores live in the checkpoint."""

from dataclasses import asdict
from typing import Any

import pytorch_lightning as pl

from reattend.records import Metric
from reattend.training.module import Learning
from reattend.training.objective import Trainable


class Before(pl.Callback):
    """Scores once, when a run begins."""

    def __init__(self, *, corpus: Trainable) -> None:
        self.corpus = corpus
        self.metrics: dict[str, Metric] = {}

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        assert isinstance(pl_module, Learning)
        if trainer.global_step == 0:
            pl_module.eval()
            self.metrics = pl_module.objective.before(pl_module, self.corpus)
            pl_module.train()
            if trainer.logger is not None and self.metrics:
                trainer.logger.log_metrics({key: metric.value for key, metric in self.metrics.items()}, step=0)

    def state_dict(self) -> dict[str, Any]:
        return {key: asdict(metric) for key, metric in self.metrics.items()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.metrics = {key: Metric(**values) for key, values in state_dict.items()}
