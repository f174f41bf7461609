"""Both models measured on the same blocks of text, and all that a record needs."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from reattend.data import build_corpus
from reattend.data.store import digest
from reattend.diagnostics import Found
from reattend.evaluation.diagnosing.quantities import blocks, initial, quantities
from reattend.evaluation.diagnostics import Settings
from reattend.models import size
from reattend.models.checkpoint import load_decoder
from reattend.models.device import device
from reattend.models.meter import Meter
from reattend.records import DiagnosticsRecord, Metric
from reattend.records.record import Series


def diagnose(
    config: Mapping[str, Any], settings: Settings, kept: Mapping[str, Any], *, name: str, length: int
) -> DiagnosticsRecord:
    """Both models read the same blocks of `length` tokens."""
    meter = Meter(threads=settings.threads)
    corpus = build_corpus(config["data"])
    described = corpus.identity()
    settings.refuse_another_text(described, kept)
    inputs, targets = blocks(corpus, settings, length=length)
    trained = load_decoder(settings.path, setting="checkpoint")
    series, metrics = [], {}
    for when, model in (("initial", initial(kept, trained.vocabulary)), ("trained", trained)):
        found, losses = quantities(model, inputs, targets, rows=settings.rows)
        series += [_series(one, when) for one in found]
        total, count = math.fsum(losses) * length, len(losses) * length
        metrics[f"{when}/nats_per_token"] = Metric(total / count, "nats per token", total, count)
    trained_config = kept["config"]
    return DiagnosticsRecord(
        **meter.origin(config, name=name, device=device("auto")),
        metrics=metrics,
        model={
            "name": "_".join(
                [*(trained_config[key]["name"] for key in ("attention", "model")), f"seed{config['seed']}"]
            ),
            "source": settings.path.name,
            "sha256": digest(settings.path),
            "attention": trained_config["attention"]["name"],
            "parameters": size(trained),
            "layers": len(trained.blocks),
            "seed": trained_config["seed"],
            "config": dict(trained_config),
        },
        data={
            "name": described["name"],
            "unit": described["unit"],
            "source": described["source"],
            "licence": described["licence"],
            "split": settings.split,
            "sha256": described["splits"][settings.split]["sha256"],
            "samples": len(inputs),
            "length": length,
        },
        series=series,
        learned=trained.learned(),
        timing=meter.clock.read(),
    )


def _series(one: Found, when: str) -> Series:
    """Means and deviations over samples; one sample has no deviation."""
    values = one.values.double()
    sd = values.std(dim=1) if values.shape[1] > 1 else torch.full((len(values),), torch.nan)
    return {
        "when": when,
        "stack": one.stack,
        "quantity": one.quantity,
        "layers": list(range(one.first, one.first + len(values))),
        "mean": _finite(values.mean(dim=1).tolist()),
        "sd": _finite(sd.tolist()),
    }


def _finite(values: Iterable[float]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in values]
