"""A training step of a decoder's embedding and output in bands of the vocabulary against the same in full.

Inputs and targets follow Zipf's law, as words do: what a step in bands costs depends on how rare its words are.
"""

import statistics
from typing import Any

import torch
from torch import Tensor, nn

from reattend.bench.base import WARMUP, DeviceName, Suite, fused_adamw, named_device
from reattend.bench.measure import Step, alternate, ratios
from reattend.models import build_model, size
from reattend.models.decoder import Decoder
from reattend.models.vocabulary import ZIPF_SHIFT
from reattend.settings import SettingError, at_least


class AdaptiveSoftmax(Suite):
    """Time of a step in full over that in bands, at each of `widths`, with the optimiser and without."""

    def __init__(
        self,
        *,
        device: DeviceName,
        rounds: int,
        vocabulary: int,
        widths: list[int],
        tokens: int,
        layers: int,
        cutoffs: list[int],
        cutoff_factor: float,
    ) -> None:
        super().__init__(rounds=rounds)
        self.device = named_device(device)
        at_least("suite.tokens", tokens, 1)
        at_least("suite.layers", layers, 0)
        if not widths:
            raise SettingError("suite.widths", widths, "at least one width", "Give suite.widths one, as [256].")
        self.vocabulary, self.widths, self.tokens, self.layers = vocabulary, widths, tokens, layers
        self.sides: dict[str, dict[str, Any]] = {
            "full": {"cutoffs": None},
            "adaptive": {"cutoffs": cutoffs, "cutoff_factor": cutoff_factor},
        }

    def run(self) -> dict[str, Any]:
        print(f"{'width':>5} {'output':<9} {'parameters':>12} {'s/step':>9} {'without optimiser':>18}")
        found = {width: self._ratios(width) for width in self.widths}
        return {
            "suite": "adaptive_softmax",
            "step_time_ratio": {str(width): whole for width, (whole, _) in found.items()},
            "step_time_ratio_without_optimizer": {str(width): bare for width, (_, bare) in found.items()},
            "vocabulary": self.vocabulary,
            **self.sides["adaptive"],
            "tokens": self.tokens,
            "layers": self.layers,
            "device": self.device.type,
            "rounds": self.rounds,
        }

    def _ratios(self, width: int) -> tuple[float, float]:
        """Full over adaptive, with the optimiser and without."""
        models = {side: self._model(width, bands) for side, bands in self.sides.items()}
        steps: dict[tuple[str, bool], Step] = {
            (side, updates): self._step(model, updates=updates)
            for side, model in models.items()
            for updates in (True, False)
        }
        seconds = alternate(steps, rounds=self.rounds, warmup=WARMUP, settle=self.settle)
        for side, model in models.items():
            whole, bare = (statistics.median(seconds[side, updates]) for updates in (True, False))
            print(f"{width:>5} {side:<9} {size(model):>12,} {whole:>9.4f} {bare:>18.4f}")
        trained = ratios(seconds["full", True], seconds["adaptive", True])
        untrained = ratios(seconds["full", False], seconds["adaptive", False])
        print(f"{width:>5} full / adaptive   x {trained}")
        print(f"{width:>5} without optimiser x {untrained}")
        return round(trained.median, 4), round(untrained.median, 4)

    def _model(self, width: int, bands: dict[str, Any]) -> Decoder:
        model: Decoder = build_model(
            {"architecture": "decoder", "width": width, "layers": max(1, self.layers), "heads": 1, **bands},
            attention={"name": "softmax"},
            vocabulary=self.vocabulary,
            context=self.tokens,
            seed=1,
        )
        model.blocks = nn.ModuleList(model.blocks[: self.layers])
        return model.to(self.device).train()

    def _step(self, model: Decoder, *, updates: bool) -> Step:
        """Forward, backward and, if `updates`, AdamW on tokens by Zipf's law."""
        draw = torch.Generator().manual_seed(0)
        p = 1 / (torch.arange(1, self.vocabulary + 1) + ZIPF_SHIFT)
        text = torch.multinomial(p, self.tokens + 1, replacement=True, generator=draw)[None].to(self.device)
        inputs, targets = text[:, :-1], text[:, 1:]  # each [1, T]
        optimizer = fused_adamw(model)

        def step() -> None:
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
                loss: Tensor = model.loss(inputs, targets)[0] / self.tokens
            loss.backward()
            if updates:
                optimizer.step()
            optimizer.zero_grad()

        return step
