"""A record as a run would write it, with the real provenance of this machine."""

from pathlib import Path

import pytest

from reattend.records import (
    SCHEMA,
    Metric,
    PeakMemory,
    Record,
    config_hash,
    git_state,
    hardware,
    package_versions,
)


@pytest.fixture
def record() -> Record:
    config = {"experiment": "default", "seed": 3, "attention": {"name": "dagpam", "lambda_init": 1.0}}
    return Record(
        schema=SCHEMA,
        name="probe",
        config=config,
        config_hash=config_hash(config),
        seed=3,
        git=git_state(Path(__file__).parent),
        versions=package_versions(),
        hardware=hardware(None, threads=2),
        parameters={"total": 1000, "attention_extra": 10},
        data={
            "name": "text",
            "unit": "byte",
            "source": "made up",
            "licence": "none",
            "sha256": "feed",
            "splits": {"test": {"tokens": 11, "sha256": "beef"}},
        },
        metrics={"test/bits_per_byte": Metric(value=2.5, unit="bits per byte", sum=25.0, count=10)},
        curve=[{"step": 1, "tokens": 4096, "train_bits": 5.25, "valid_bits": None}],
        learned={"lambda_positive": [1.5, 0.5]},
        timing={
            "started": "2026-01-01T00:00:00Z",
            "finished": "2026-01-01T00:01:00Z",
            "wall_seconds": 60.0,
            "train_seconds": 50,
            "tokens_per_second": 81.92,
            "curve_seconds": [50.0],
        },
        memory=PeakMemory().read(),
    )
