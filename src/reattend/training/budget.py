"""What a run would cost in numbers.

FLOPs    three forward passes for every example of the run: one forward, two backward. Validations, BLEU and the
         final scores are not counted.
memory   an estimate, the sum of three parts:
         a parameter      float32 weight, gradient and AdamW's two moments, 16 bytes; in bfloat16 2 more for a copy
         activations      what autograd keeps of the largest batch (`shapes`), six tenths of it in bfloat16, as the
                          residual path stays in float32. With GELU, 4 x width inside and no dropout these are about 66
                          bytes for each token, layer and unit of width in float32; arXiv 2205.05198 has 34 in 16 bit,
                          dropout included, where attention keeps no [T, T].
         a logit          itself and its log-softmax, 8 bytes; in bfloat16 a float32 copy too, 10
         Allocators take more: five small models trained on a CPU in float32 took 1.4 to 1.5 times as much.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, NamedTuple

from reattend.models import build_model
from reattend.models.controls import build_control
from reattend.settings import call_by_name, seed_of
from reattend.training import schedules
from reattend.training.objective import Trainable
from reattend.training.objectives import build_objective
from reattend.training.shapes import Cost, measure
from reattend.training.sizes import controlled
from reattend.training.trainer_settings import TrainerSettings
from reattend.training.workload import Workload, workload

PASSES = 3  # a backward pass is two


class Bytes(NamedTuple):
    parameter: int
    kept: float  # of a byte that autograd keeps in float32
    logit: int


BYTES = {"float32": Bytes(16, 1.0, 8), "bfloat16": Bytes(18, 0.6, 10)}


@dataclass(frozen=True, kw_only=True)
class Budget:
    """Of the run that a composed configuration describes."""

    corpus: Trainable
    load: Workload
    cost: Cost
    steps: int
    accumulate: int
    precision: str  # on a GPU

    @property
    def steps_an_epoch(self) -> int:
        return self.load.batches // self.accumulate

    @property
    def epochs(self) -> float:
        return self.steps / self.steps_an_epoch

    @property
    def examples(self) -> float:
        return self.steps * self.accumulate * self.load.examples

    @property
    def flops(self) -> float:
        return PASSES * self.examples * self.cost.flops

    @property
    def memory(self) -> dict[str, float]:
        """Bytes by what they are for."""
        each, fullest = BYTES[self.precision], self.load.fullest
        return {
            "weights, gradients and moments": each.parameter * self.cost.parameters,
            "activations": each.kept * fullest * self.cost.kept,
            "logits": each.logit * fullest * self.load.example[-1] * self.cost.logits,
        }


def budget(config: Mapping[str, Any]) -> Budget:
    """The cost of what `config` composes; only a corpus of which nothing is published is opened."""
    seed = seed_of(config)
    settings = TrainerSettings.of(_anywhere(config["trainer"]))
    call_by_name(schedules, config["schedule"], group="schedule", max_steps=settings.max_steps)  # may refuse
    corpus = build_objective(config["objective"]).trained_on(config)
    load = workload(corpus, seed=seed, accumulate=settings.accumulate)
    cost = _cost(config, load)

    def slowdown(like: Mapping[str, Any]) -> float:
        """By FLOPs, as a plan trains nothing."""
        return cost.flops / _cost({**config, "attention": like}, load).flops

    return Budget(
        corpus=corpus,
        load=load,
        cost=cost,
        steps=build_control(config["control"]).steps(settings.max_steps, slowdown=slowdown),
        accumulate=settings.accumulate,
        precision="float32" if settings.precision == "float32" else "bfloat16",
    )


def _anywhere(trainer: Mapping[str, Any]) -> Mapping[str, Any]:
    """A run for a GPU can be planned without one."""
    return {**trainer, "accelerator": "auto"} if trainer["accelerator"] == "gpu" else trainer


def _cost(config: Mapping[str, Any], load: Workload) -> Cost:
    """Of the mean example, under the run's control."""
    given = {"vocabulary": load.vocabulary, "context": load.context, "seed": config["seed"]}
    build = partial(build_model, controlled(config, **given), attention=config["attention"], **given)
    found = measure(build, [ceil(length) for length in load.example])
    return found.of(sum(load.example) / sum(map(ceil, load.example)))
