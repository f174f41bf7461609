"""Made-up runs: what a record holds, without the minutes it takes to train or evaluate one."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reattend.records import SCHEMA, EvaluationRecord, Metric, TrainingRecord, config_hash, run_name

COUNT = 304_487
MEMORY: Any = {"peak_bytes": 1_000_000_000, "what": "resident set"}
WHEN: Any = {"started": "2026-01-01T00:00:00Z", "finished": "2026-01-01T00:02:00Z", "wall_seconds": 120.0}
LM: Any = {
    "name": "smollm2",
    "source": "smollm2.gguf",
    "sha256": "beef",
    "architecture": "LlamaForCausalLM",
    "parameters": 134_515_008,
    "dtype": "float32",
}


def common(
    config: Mapping[str, Any], *, name: str | None = None, seed: int = 1, processor: str = "Imaginary CPU"
) -> dict[str, Any]:
    """What a record of any kind says of its run, but for its metrics and its memory."""
    return {
        "schema": SCHEMA,
        "name": name or run_name(config),
        "config": config,
        "config_hash": config_hash(config),
        "seed": seed,
        "git": {"commit": "0123456789abcdef", "dirty": False},
        "versions": {"python": "3.11.7"},
        "hardware": {
            "machine": "x86_64",
            "processor": processor,
            "cores": 2,
            "threads": 2,
            "memory_bytes": 16_000_000_000,
            "accelerator": None,
        },
    }


def make_training(
    attention: str = "softmax",
    seed: int = 1,
    bits: float = 2.5,
    *,
    settings: dict[str, Any] | None = None,
    seconds: float = 100.0,
    peak: int = 800_000_000,
    extra: int = 0,
    sha256: str = "feed",
    unit: str = "bits per byte",
    count: int = COUNT,
    processor: str = "Imaginary CPU",
    metric: str = "bits_per_byte",
    valid: float | None = None,
    steps: int = 800,
) -> TrainingRecord:
    config: dict[str, Any] = {
        "experiment": "default",
        "name": None,
        "seed": seed,
        "results_dir": "results",
        "force": False,
        "resume": "auto",
        "attention": {"name": attention} | ({"lambda_trainable": True} if attention == "dagpam" else {}),
        "model": {"name": "small", "architecture": "decoder", "width": 128, "layers": 4},
        "data": {"name": "enwiki_sample", "context": 128, "batch_size": 32},
        "optimizer": {"name": "adamw", "lr": 0.001},
        "trainer": {"max_steps": 800, "progress": True},
        "logger": {"name": "none"},
    }
    _change(config, settings)
    scores = {"test": bits} | ({} if valid is None else {"valid": valid})
    return TrainingRecord(
        **common(config, seed=seed, processor=processor),
        parameters={"total": 800_000 + extra, "attention_extra": extra},
        data={
            "name": "enwiki_sample",
            "unit": "byte",
            "source": "gensim",
            "licence": "CC-BY-SA",
            "sha256": sha256,
            "splits": {"test": {"tokens": count + 1, "sha256": "beef"}},
        },
        metrics={
            f"{split}/{metric}": Metric(value=value, unit=unit, sum=value * count, count=count)
            for split, value in scores.items()
        },
        curve=[
            {
                "step": step,
                "tokens": step * 4096,
                "train_bits": bits + 150 / step,
                "valid_bits": bits + 200 / step if step % 200 == 0 else None,
            }
            for step in range(100, steps + 1, 100)
        ],
        learned={},
        timing={
            "started": "2026-01-01T00:00:00Z",
            "finished": "2026-01-01T00:02:00Z",
            "wall_seconds": seconds + 10,
            "train_seconds": seconds,
            "tokens_per_second": steps * 4096 / seconds,
            "curve_seconds": [seconds * step / steps for step in range(100, steps + 1, 100)],
        },
        memory=MEMORY | {"peak_bytes": peak},
    )


def _change(config: dict[str, Any], settings: dict[str, Any] | None) -> None:
    for key, value in (settings or {}).items():
        *groups, last = key.split(".")
        part = config
        for group in groups:
            part = part[group]
        part[last] = value


def make_evaluation(
    policy: str = "full",
    size: int | None = None,
    nats: Sequence[float] = (3.0, 3.2),
    *,
    tokens: Sequence[int] | None = None,
    settings: dict[str, Any] | None = None,
    lm: str = "smollm2",
    dtype: str = "float32",
    sha256: str = "feed",
    speed: float = 400.0,
    **options: Any,
) -> EvaluationRecord:
    config: dict[str, Any] = {
        "experiment": "tova_pg19",
        "name": None,
        "seed": 1,
        "results_dir": "results",
        "force": False,
        "progress": True,
        "chunk": 256,
        "lm": {"name": lm, "dtype": dtype},
        "data": {"name": "pg19", "context": 4096},
        "policy": {"name": policy} | ({} if size is None else {"size": size, "prefill": "exact"}) | options,
    }
    _change(config, settings)
    counts = tokens or [4095] * len(nats)
    parts: list[Any] = [
        {
            "document": f"Book {i % 2 + 1}",
            "start": i // 2 * 4096,
            "tokens": count,
            "words": count * 3 // 4,
            "bytes": count * 4,
            "nats": value * count,
            "seconds": count / speed,
            "entries": 64.0,
            "kv_bytes": 1024,
        }
        for i, (value, count) in enumerate(zip(nats, counts, strict=True))
    ]
    total, scored = math.fsum(part["nats"] for part in parts), sum(counts)
    seconds = scored / speed
    return EvaluationRecord(
        **common(config),
        metrics={"nats_per_token": Metric(value=total / scored, unit="nats per token", sum=total, count=scored)},
        memory=MEMORY,
        lm={**LM, "name": lm, "source": f"{lm}.gguf", "dtype": dtype},
        data={
            "name": "pg19",
            "unit": "token",
            "source": "made up",
            "licence": "public domain",
            "documents": [
                {"title": f"Book {i}", "sha256": sha256, "characters": 300_000, "tokens": 80_000} for i in (1, 2)
            ],
        },
        parts=parts,
        state={"entries_per_layer": size or max(counts) + 1, "kv_bytes": 23_040 * (size or max(counts) + 1)},
        timing={
            "started": "2026-01-01T00:00:00Z",
            "finished": "2026-01-01T00:02:00Z",
            "wall_seconds": seconds + 10,
            "evaluation_seconds": seconds,
            "tokens_per_second": speed,
        },
    )
