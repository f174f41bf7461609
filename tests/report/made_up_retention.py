"""Made-up records of what a state keeps."""

from typing import Any

from made_up import LM, MEMORY, WHEN, common

from reattend.records import Metric, RetentionRecord, config_hash

READ, SIZE = 10, 4  # tokens of a chunk, entries kept
STEPS = 1 + 2 + 3 + 4 + 6 * 5  # sum_t min(t, 5)


def make_retention(
    policy: str = "tova",
    size: int = SIZE,
    *,
    recent: tuple[int, ...] = (18, 12),
    tags: tuple[dict[str, str], ...] = ({"NN": "6 50", "DT": "4 38"}, {"NN": "8 80", ",": "2 8"}),
    steps: int = STEPS,
    read: int = READ,
    lm: str = "smollm2",
    sha256: str = "beef",
    tagger: str | None = "made up 1.0",
    **options: Any,
) -> RetentionRecord:
    """Two layers of one set each; of a chunk's 6 steps with a full state 4 entries each are kept in each layer."""
    config = {
        "experiment": "tova_retention",
        "name": None,
        "seed": 1,
        "lm": {"name": lm},
        "data": {"name": "pg19"},
        "policy": {"name": policy, "size": size, **({"scope": "layer", "first": 0} if policy == "tova" else {})}
        | options,
        "task": {"name": "retention", "context": read},
        "max_tokens": None,
    }
    parts: list[Any] = [
        {
            **{"document": "Book", "start": i * read, "tokens": read - 1, "words": 7, "bytes": 40, "nats": 27.0},
            **{"seconds": 1.0, "entries": 4.0, "kv_bytes": 64, "read": read, "sets": 2, "steps": 2 * steps},
            **{"kept": 48, "recent": 2 * among, "at_once": i, "first": 20 - 6 * i, "tags": of},
        }
        for i, (among, of) in enumerate(zip(recent, tags, strict=True))
    ]
    chunks = len(parts)
    # position 0 stays in both layers, then the last four less one
    by_step = [" ".join(str(2 * chunks * (t - 4 < p <= t)) for p in range(read)) for t in range(read)]
    return RetentionRecord(
        **common(config, name=f"{policy}{size}_{lm}_{config_hash(config)}"),
        metrics={"nats_per_token": Metric(3.0, "nats per token", 27.0 * chunks, 9 * chunks)},
        memory=MEMORY,
        lm={**LM, "name": lm, "sha256": sha256},
        data={
            **{"name": "pg19", "unit": "token", "source": "made up", "licence": "CC0"},  # type: ignore[typeddict-item]
            "documents": [{"title": "Book", "sha256": "feed", "characters": 90, "tokens": 20}],
        },
        parts=parts,
        layers=[
            {"kept": [24 * chunks], "recent": [sum(recent)], "at_once": [1]},
            {"kept": [24 * chunks], "recent": [24 * chunks], "at_once": [0]},
        ],
        first=[34, 20, *[10] * 8],
        first_of=[2 * chunks] * read,
        stayed=[3, *[0] * (read - 1)],
        map={"chunks": chunks, "tokens": read, "by_step": by_step, "by_layer": [by_step[-1], by_step[-1]]},
        tagger=tagger,
        state={"entries_per_layer": 4, "kv_bytes": 64},
        timing={**WHEN, "evaluation_seconds": 1.0, "tokens_per_second": 1.0},
    )
