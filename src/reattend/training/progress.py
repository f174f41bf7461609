"""What a run shows while it trains: a bar with loss in bits and tokens per second; elsewhere a line a validation."""

import sys
from typing import Any

import pytorch_lightning as pl
from tqdm import tqdm

from reattend.training.history import History


class Progress(pl.Callback):
    def __init__(self, *, history: History, unit: str, max_steps: int, label: str) -> None:
        self.history, self.unit, self.max_steps, self.label = history, unit, max_steps, label
        self.live = sys.stderr.isatty()
        self._bar: Any = None
        self._rows = 0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self._rows = len(self.history.rows)
        if self.live:
            self._bar = tqdm(
                total=self.max_steps,
                initial=trainer.global_step,
                desc=self.label,
                unit="step",
                dynamic_ncols=True,
            )

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        history = self.history
        if self._bar is not None:
            self._bar.update(trainer.global_step - self._bar.n)
            bits = f"{history.train_bits:.3f} bits/{self.unit}, {history.rate:,.0f} {self.unit}s/s"
            self._bar.set_postfix_str(bits, refresh=False)
        if len(history.rows) > self._rows:
            self._rows = len(history.rows)
            row = history.rows[-1]
            more = history.validated.more if history.validated else {}
            tqdm.write(
                f"{self.label}: step {row['step']:>6,} of {self.max_steps:,}  train {row['train_bits']:.3f}  "
                f"valid {row['valid_bits']:.3f} bits/{self.unit}  "
                + "".join(f"{key.partition('/')[2]} {value:.2f}  " for key, value in more.items())
                + f"{history.rate:,.0f} {self.unit}s/s",
                file=sys.stderr,
            )

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
