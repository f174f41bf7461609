"""Made-up translations of a test set, by models of made-up trainings."""

from typing import Any

import numpy as np
from made_up import MEMORY, WHEN, common

from reattend.metrics.ngrams import corpus_bleu, to_lines
from reattend.records import Metric, TranslationRecord, run_name

KINDS = {"sacrebleu": "case:mixed|tok:13a", "tokenised_bleu": "case:lc|tok:none"}
KINDS |= {"compound_split_bleu": "case:mixed|tok:none", "chrf": "nc:6|nw:0"}


def statistics(quality: float, seed: int, sentences: int = 60) -> np.ndarray:
    """[N, 6] of a made-up system that gets about so many words right."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(6, 20, sentences)
    correct = [
        np.maximum(0, (lengths - n) * quality**n + draw.normal(0, 1, sentences)).astype(int) for n in range(1, 5)
    ]
    capped = [np.minimum(c, lengths - n) for n, c in enumerate(correct)]
    return np.stack([*capped, lengths, lengths + draw.integers(-2, 3, sentences)], axis=1)


def make_translation(
    attention: str = "softmax",
    seed: int = 1,
    quality: float = 0.7,
    *,
    test: str = "test.de and test.en",
    settings: dict[str, Any] | None = None,
    trained: dict[str, Any] | None = None,
    speed: float = 50.0,
    extra: int = 0,
    **data: Any,
) -> TranslationRecord:
    training: dict[str, Any] = {
        "experiment": "tatoeba_de_en",
        "name": None,
        "seed": seed,
        "attention": {"name": attention} | ({"lambda_init": 1.0} if attention == "dagpam" else {}),
        "model": {"name": "translation_medium", "width": 256},
        "data": {"name": "tab_separated", "direction": "de-en"},
        "trainer": {"max_steps": 3000},
        **(trained or {}),
    }
    config: dict[str, Any] = {
        "experiment": "translation",
        "name": None,
        "seed": 1,
        "results_dir": "results",
        "data": {"name": "lines"},
        "checkpoint": f"{attention}{seed}/best.ckpt",
        **{"beam": 5, "length_penalty": 1.0, "max_length_a": 1.2, "max_length_b": 10, "unknown": "keep"},
        **(settings or {}),
    }
    rows = statistics(quality, seed)
    bleu = corpus_bleu(rows)
    scores = {"sacrebleu": bleu, "tokenised_bleu": bleu + 2, "compound_split_bleu": bleu + 3, "chrf": bleu + 20}
    return TranslationRecord(
        **common(config, name=f"{run_name(config)}_{test[:4]}_{attention}{seed}"),
        metrics={key: Metric(value, "BLEU", value * len(rows), len(rows)) for key, value in scores.items()},
        memory=MEMORY,
        model={
            "name": "x",
            "source": "best.ckpt",
            "sha256": "feed",
            "attention": attention,
            "parameters": 9_000_000 + extra,
            "attention_extra": extra,
            "seed": seed,
            "pipeline": "beef",
            "config": training,
        },
        data={
            "name": "lines",
            "direction": "de-en",
            "unit": "sentence",
            "source": test,
            "licence": "CC BY 2.0",
            "source_sha256": "5" * 64,
            "reference_sha256": "6" * 64,
            "sentences": len(rows),
            "empty": 0,
            "too_long": 0,
            "dropped": 0,
            **data,
        },
        signatures=dict(KINDS),
        sentences=to_lines(rows),
        timing={
            **WHEN,
            "translation_seconds": len(rows) / speed,
            "sentences_per_second": speed,
        },
    )
