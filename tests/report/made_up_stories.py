"""Made-up stories, and what a judge says of them."""

from collections.abc import Sequence
from typing import Any

from made_up import LM, MEMORY, WHEN, common

from reattend.records import JudgementRecord, Metric, StoriesRecord, run_name


def written(
    policy: str = "full",
    size: int | None = None,
    tokens: Sequence[int] = (100, 200, 300),
    nats: Sequence[float] = (2.0, 2.0, 2.0),
    *,
    untouched: Sequence[int] = (),
    texts: str = "abc",
    seed: int = 1,
    prompts: str = "feed",
    longest: int | None = None,
    **options: Any,
) -> StoriesRecord:
    config: dict[str, Any] = {
        "experiment": "tova_stories",
        "name": None,
        "seed": seed,
        "results_dir": "results",
        "lm": {"name": "smollm2"},
        "policy": {"name": policy} | ({} if size is None else {"size": size}) | options,
        "task": {"name": "stories", "longest": longest, "temperature": 0.6, "top_p": 0.9, "batch_size": 8},
    }
    stories: list[Any] = [
        {
            "number": number,
            "sha256": texts[number],
            "prompt": 0,
            "prompt_tokens": 10,
            "tokens": count,
            "words": count // 2,
            "ended": number in untouched or number == 0,
            "untouched": number in untouched or policy == "full",
            "own_nats": 1.0 * count,
            "full_nats": each * count,
            "distinct_1": 0.5 if count else None,
            "distinct_2": 0.8 if count else None,
            "repeated_4": count / 1000 if count else None,
            "longest_repeat": number,
            "seconds": 1.0,
        }
        for number, (count, each) in enumerate(zip(tokens, nats, strict=True))
    ]
    return StoriesRecord(
        **common(config, seed=config["seed"]),
        metrics={"tokens": Metric(1.0, "tokens", 1.0, 1)},
        memory=MEMORY,
        lm=LM,
        prompts={"source": "task.prompt", "sha256": prompts, "count": 1},
        predictions={"name": f"{run_name(config)}.jsonl", "sha256": f"{policy}{size}"},
        stories=stories,
        state={"entries_per_layer": 64.0, "kv_bytes": 1024},
        timing={**WHEN, "writing_seconds": 100.0, "tokens_per_second": 6.0},
    )


def judged(
    first: StoriesRecord, second: StoriesRecord, won: int, tie: int, lost: int, missing: int = 0, *, by: str = "m"
) -> JudgementRecord:
    config = {"experiment": "judge", "name": f"by_{by}", "seed": 1, "first": first.name, "second": second.name}
    outcomes = [("first", ["A", "B"])] * won + [("tie", ["A", "A"])] * tie + [("second", ["B", "A"])] * lost
    comparisons: list[Any] = [
        {"number": n, "verdict": verdict, "asked": True, "picks": picks, "answers": [None] * 2, "problems": [None] * 2}
        for n, (verdict, picks) in enumerate(outcomes + [("missing", [None, "A"])] * missing)
    ]
    sides: Any = {
        key: {"name": side.name, "sha256": side.predictions["sha256"], "config": side.config}
        for key, side in (("first", first), ("second", second))
    }
    return JudgementRecord(
        **common(config, seed=config["seed"]),
        metrics={"tokens": Metric(1.0, "tokens", 1.0, 1)},
        memory=MEMORY,
        sides=sides,
        judge={"model": by, "answered_as": [by]},
        comparisons=comparisons,
        dropped={"pairs": 3, "differ": 0},
        timing={**WHEN, "judging_seconds": 100.0},
    )
