"""Made-up measurements of layers: of a trained model, and those that a training made on its way."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from made_up import MEMORY, WHEN, common

from reattend.records import DiagnosticsRecord, Metric, TrainingRecord

STACKS = ("full", "no_skip", "no_feed_forward", "attention_only")
# of a training that measured itself
SETTINGS = {"experiment": "mechanisms", "schedule": {"name": "cosine", "warmup_steps": 60}, "control": {"name": "none"}}
STEPS = (1, 100, 800)


def make_diagnostics(
    attention: str = "softmax",
    seed: int = 1,
    ratio: float | None = 0.8,
    *,
    cosine: float | None = 0.3,
    query: tuple[float, float] = (0.1, 0.4),
    control: str = "none",
    rate: float = 0.004,
    nats: float = 2.0,
    experiment: str = "mechanisms",
    **data: Any,
) -> DiagnosticsRecord:
    """Two layers; initially half the trained ratio and a tenth of the gradients; without skips a hundredth of it."""
    trained: dict[str, Any] = {
        "experiment": experiment,
        "seed": seed,
        "attention": {"name": attention},
        "control": {"name": control},
        "optimizer": {"name": "adamw", "learning_rate": rate},
    }
    config = {"experiment": "diagnostics", "name": None, "seed": 1, "samples": 8, "task": {"name": "diagnostics"}}
    series: list[Any] = []
    for when, factor in (("initial", 0.5), ("trained", 1.0)):
        for stack in STACKS:
            last = None if ratio is None else ratio * factor * (0.01 if "skip" in stack else 1)
            series += [
                _series(when, stack, "residual_ratio", 0, [0.99, 0.9, last]),
                _series(when, stack, "token_cosine", 0, [0.05, 0.2, cosine]),
            ]
        gradients = [value * (1.0 if when == "trained" else 0.1) for value in query]
        series += [_series(when, "full", f"gradient_{part}", 1, gradients) for part in ("query", "key", "value")]
    return DiagnosticsRecord(
        **common(config, name=f"diagnostics_{attention}_{control}_{rate}_{seed}"),
        metrics={"trained/nats_per_token": Metric(nats, "nats per token", nats * 512, 512)},
        memory=MEMORY,
        model={
            **{"name": attention, "source": "best.ckpt", "sha256": "beef", "attention": attention},  # type: ignore[typeddict-item]
            **{"parameters": 1, "layers": 2, "seed": seed, "config": trained},
        },
        data={
            **{"name": "enwiki_sample", "unit": "byte", "source": "gensim", "licence": "CC-BY-SA"},  # type: ignore[typeddict-item]
            **{"split": "valid", "sha256": "feed", "samples": 8, "length": 64},
            **data,
        },
        series=series,
        learned={},
        timing=WHEN,
    )


def _series(when: str, stack: str, quantity: str, first: int, mean: list[float | None] | list[float]) -> dict[str, Any]:
    layers = list(range(first, first + len(mean)))
    return {"when": when, "stack": stack, "quantity": quantity, "layers": layers, "mean": mean, "sd": [0.1] * len(mean)}


def diagnosed(
    record: TrainingRecord,
    ratio: float | None,
    cosine: float | None = 0.3,
    *,
    query: Sequence[float | None] = (0.1, 0.4),
    learned: Mapping[str, Any] | None = None,
) -> TrainingRecord:
    """`record` with two layers that were measured thrice; what comes before the end is to be told from it."""
    rows: list[Any] = [
        {
            "step": step,
            "seconds": 0.1,
            "quantities": {
                "residual_ratio": [0.99, 0.7, ratio if step == STEPS[-1] else 0.1],
                "token_cosine": [0.05, 0.2, cosine if step == STEPS[-1] else 0.9],
                "gradient_query": [1000.0, 1000.0] if step == STEPS[0] else list(query),
            },
            "learned": {name: [[x * step for x in layer] for layer in by] for name, by in (learned or {}).items()},
        }
        for step in STEPS
    ]
    return dataclasses.replace(record, diagnostics=rows)
