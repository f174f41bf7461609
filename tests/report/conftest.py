"""Made-up runs: what a record holds, without the minutes it takes to train one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reattend.records import SCHEMA, Metric, Record, config_hash, run_name
from reattend.report import TableSpec, read_specs

CONF = Path(__file__).parents[2] / "conf"
COUNT = 304_487
MakeRecord = Callable[..., Record]


@pytest.fixture
def make_record() -> MakeRecord:
    """`make_record(attention, seed, bits)`; dotted keywords in `settings` change the configuration."""
    return _make_record


def _make_record(
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
) -> Record:
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
    for key, value in (settings or {}).items():
        *groups, last = key.split(".")
        part = config
        for group in groups:
            part = part[group]
        part[last] = value
    steps = range(100, 801, 100)
    return Record(
        schema=SCHEMA,
        name=run_name(config),
        config=config,
        config_hash=config_hash(config),
        seed=seed,
        git={"commit": "0123456789abcdef", "dirty": False},
        versions={"python": "3.11.7"},
        hardware={
            "machine": "x86_64",
            "processor": processor,
            "cores": 2,
            "threads": 2,
            "memory_bytes": 16_000_000_000,
            "accelerator": None,
        },
        parameters={"total": 800_000 + extra, "attention_extra": extra},
        data={
            "name": "enwiki_sample",
            "unit": "byte",
            "source": "gensim",
            "licence": "CC-BY-SA",
            "sha256": sha256,
            "splits": {"test": {"tokens": count + 1, "sha256": "beef"}},
        },
        metrics={"test/bits_per_byte": Metric(value=bits, unit=unit, sum=bits * count, count=count)},
        curve=[
            {
                "step": step,
                "tokens": step * 4096,
                "train_bits": bits + 150 / step,
                "valid_bits": bits + 200 / step if step % 200 == 0 else None,
            }
            for step in steps
        ],
        learned={},
        timing={
            "started": "2026-01-01T00:00:00Z",
            "finished": "2026-01-01T00:02:00Z",
            "wall_seconds": seconds + 10,
            "train_seconds": seconds,
            "tokens_per_second": 800 * 4096 / seconds,
            "curve_seconds": [seconds * step / 800 for step in steps],
        },
        memory={"peak_bytes": peak, "what": "resident set"},
    )


@pytest.fixture
def six(make_record: MakeRecord) -> list[Record]:
    """Three seeds of two mechanisms; the pairs differ by -0.01, -0.02 and -0.06."""
    softmax = {1: 2.50, 2: 2.52, 3: 2.57}
    dagpam = {1: 2.49, 2: 2.50, 3: 2.51}
    return [
        *(make_record("softmax", seed, bits, seconds=100 + seed) for seed, bits in softmax.items()),
        *(
            make_record("dagpam", seed, bits, seconds=(100 + seed) * 1.2, peak=1_000_000_000, extra=8_000)
            for seed, bits in dagpam.items()
        ),
    ]


@pytest.fixture
def spec() -> TableSpec:
    """The table that `make train` prints."""
    (found,) = [spec for spec in read_specs(CONF / "table") if spec.name == "default"]
    return found
