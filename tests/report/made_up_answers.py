"""Made-up answers to made-up questions."""

import dataclasses
from typing import Any

from made_up import LM, MEMORY, WHEN, common

from reattend.records import AnswersRecord

Score = list[list[float]]  # [document][question]


def make_answers(
    policy: str, size: int | None, f1: Score, *, nats: Score | None = None, **changes: Any
) -> AnswersRecord:
    """A record whose other scores are its F1; a reference has 10 tokens."""
    options = {} if size is None else {"size": size, "scope": "layer", "first": 0, "prefill": "exact"}
    config = {
        "experiment": "tova_qasper",
        "name": None,
        "seed": 1,
        "lm": {"name": "smollm2"},
        "data": {"name": "qasper"},
        "policy": {"name": policy, **options},
        "task": {"name": "qasper", "prompt": "paper", "context": 4096, "max_new_tokens": 128},
        "limit": None,
        "chunk": 512,
    }
    parts = [
        {
            "question": f"{document}_{i}",
            "document": f"{document}",
            "kind": "",
            "prompt": 4096,
            "cut": 7,
            "written": 20,
            "ended": True,
            "log_p": -3.0,
            "exact_match": 0.0,
            "nats": [] if nats is None else [10 * nats[document][i]],
            "tokens": [] if nats is None else [10],
            "entries": float(size or 4096),
            "kv_bytes": 1024,
            "read_seconds": 1.0,
            "score_seconds": 0.5,
            "write_seconds": 0.5,
            **dict.fromkeys(("f1", "rouge1", "rouge2", "rougeL"), value),
        }
        for document, several in enumerate(f1)
        for i, value in enumerate(several)
    ]
    record = AnswersRecord(
        **common(config),
        metrics={},
        memory=MEMORY,
        lm=LM,
        data={
            "name": "qasper",
            "source": "made up",
            "licence": "CC BY 4.0",
            "sha256": "feed",
            "split": "dev",
            "unit": "token",
            "documents": len(f1),
            "questions": len(parts),
            "references": len(parts),
            "published": {"documents": 281, "questions": 1005, "references": 1764},
        },
        predictions={"name": "x.jsonl", "sha256": "cafe"},
        parts=parts,  # type: ignore[arg-type]
        state={"entries_per_layer": float(size or 4096), "kv_bytes": 1024},
        timing={
            **WHEN,
            "read_seconds": 1.0 * len(parts),
            "score_seconds": 0.5 * len(parts),
            "write_seconds": 0.5 * len(parts),
            "tokens_per_second": 40.0,
        },
    )
    return dataclasses.replace(record, **changes)


FULL = [[0.2, 0.4], [0.3, 0.5], [0.1, 0.3]]
NATS = [[3.0, 3.2], [3.1, 3.1], [2.9, 3.3]]


def shifted(scores: Score, *by: float) -> Score:
    return [[value + more for value in several] for several, more in zip(scores, by, strict=True)]
