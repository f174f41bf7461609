"""A training step of a decoder around one attention mechanism against the same around another."""

import statistics
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from reattend.bench.base import VOCABULARY, WARMUP, DeviceName, Suite, named_device, training_step
from reattend.bench.measure import Step, alternate, peak_memory, ratios
from reattend.models import build_model, size
from reattend.models.decoder import Decoder
from reattend.settings import at_least

MEMORY_STEPS = 3  # the optimiser's state is complete after the first


class AttentionStep(Suite):
    """Time and memory of `mechanism` over those of `baseline`; both are options of conf/attention."""

    def __init__(
        self,
        *,
        device: DeviceName,
        rounds: int,
        batch_size: int,
        context: int,
        width: int,
        layers: int,
        heads: int,
        positions: Literal["rotary", "learned", "sinusoidal"],
        mechanism: dict[str, Any],
        baseline: dict[str, Any],
    ) -> None:
        super().__init__(rounds=rounds)
        self.device = named_device(device)
        at_least("suite.batch_size", batch_size, 1)
        at_least("suite.context", context, 1)
        self.batch = {"batch_size": batch_size, "context": context}
        self.sizes = {"width": width, "layers": layers, "heads": heads, "positions": positions}
        self.sides = {"mechanism": mechanism, "baseline": baseline}

    def run(self) -> dict[str, Any]:
        models = {side: _decoder(attention, self.sizes, self.batch) for side, attention in self.sides.items()}
        steps = {side: _step(model, self.batch, self.device) for side, model in models.items()}
        seconds = alternate(steps, rounds=self.rounds, warmup=WARMUP, settle=self.settle)
        time_ratio = ratios(seconds["mechanism"], seconds["baseline"])
        parameters = {side: size(model) for side, model in models.items()}
        del models, steps  # a GPU may not hold them beside those whose memory is measured
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        peaks = {
            side: peak_memory(
                prepare, steps=MEMORY_STEPS, device=self.device, attention=attention, sizes=self.sizes, batch=self.batch
            ).whole
            for side, attention in self.sides.items()
        }
        overhead = 100 * (parameters["mechanism"] / parameters["baseline"] - 1)
        memory_ratio = peaks["mechanism"] / peaks["baseline"]

        tokens = self.batch["batch_size"] * self.batch["context"]
        print(f"{'attention':<12} {'s/step':>9} {'tokens/s':>10} {'peak MiB':>9} {'parameters':>12}")
        for side, attention in self.sides.items():
            median = statistics.median(seconds[side])
            print(
                f"{attention['name']:<12} {median:>9.4f} {tokens / median:>10,.0f} {peaks[side] / 2**20:>9,.0f}"
                f" {parameters[side]:>12,}"
            )
        print(f"step time    x {time_ratio}")
        print(f"peak memory  x {memory_ratio:.3f}")
        print(f"parameters   + {overhead:.2f} %")
        return {
            "suite": "attention_step",
            "step_time_ratio": round(time_ratio.median, 4),
            "peak_memory_ratio": round(memory_ratio, 4),
            "parameter_overhead_percent": round(overhead, 4),
            "mechanism": self.sides["mechanism"]["name"],
            "baseline": self.sides["baseline"]["name"],
            **self.batch,
            **self.sizes,
            "device": self.device.type,
            "rounds": self.rounds,
        }


def prepare(
    *, attention: Mapping[str, Any], sizes: Mapping[str, Any], batch: Mapping[str, int], device: torch.device
) -> Step:
    """The training step of a fresh decoder around `attention`."""
    return _step(_decoder(attention, sizes, batch), batch, device)


def _decoder(attention: Mapping[str, Any], sizes: Mapping[str, Any], batch: Mapping[str, int]) -> Decoder:
    return build_model(
        {"architecture": "decoder", **sizes},
        attention=attention,
        vocabulary=VOCABULARY,
        context=batch["context"],
        seed=1,
    )


def _step(model: Decoder, batch: Mapping[str, int], device: torch.device) -> Step:
    def loss(inputs: Tensor, targets: Tensor) -> Tensor:
        nats, count = model.loss(inputs, targets)
        return nats / count

    return training_step(model, loss, **batch, device=device)
