"""Texts read under a bounded policy, and what a record keeps of when their entries left."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from reattend.cache.base import Bounded
from reattend.evaluation.retaining.tagging import build_tagger
from reattend.evaluation.retaining.watcher import Watcher
from reattend.evaluation.retention import Retention
from reattend.evaluation.scoring.texts import fields
from reattend.records import Metric, RetentionRecord
from reattend.records.retention import RetentionLayer, RetentionMap, RetentionPart


def retain(task: Retention, config: Mapping[str, Any], policy: Bounded, *, name: str, folder: Path) -> RetentionRecord:
    """The record of an evaluation, which goes on after the chunks that an earlier attempt finished."""
    tagger = None if task.tagger is None else build_tagger(task.tagger)
    found = fields(task, config, policy, partial(Watcher, tagger=tagger), name=name, folder=folder)
    whole = [part["whole"] for part in found["parts"]]
    parts: list[RetentionPart] = [
        {key: value for key, value in part.items() if key != "whole"}  # type: ignore[misc]
        for part in found["parts"]
    ]
    positions = max(len(one["first"]) for one in whole)
    reached = [sum(part["sets"] for part in parts if part["read"] > i) for i in range(positions)]
    return RetentionRecord(
        **found | {"metrics": found["metrics"] | _metrics(parts), "parts": parts},
        layers=_layers([one["layers"] for one in whole]),
        first=_added([one["first"] for one in whole], positions),
        first_of=reached,
        stayed=_added([one["stayed"] for one in whole], positions),
        map=_map(parts, whole),
        tagger=None if tagger is None else tagger.identity(),
    )


def _metrics(parts: Sequence[RetentionPart]) -> dict[str, Metric]:
    """Means over entries, in steps, and shares."""
    entries = sum(part["read"] * part["sets"] for part in parts)
    means = {
        "mean_residence": ("steps", "steps", entries),
        "first_residence": ("first", "steps", sum(part["sets"] for part in parts)),
        "recency_share": ("recent", "share", sum(part["kept"] for part in parts)),
        "at_once_share": ("at_once", "share", entries),
    }
    sums = {name: sum(part[key] for part in parts) for name, (key, _, _) in means.items()}  # type: ignore[literal-required]
    return {
        name: Metric(sums[name] / count, unit, sums[name], count) for name, (_, unit, count) in means.items() if count
    }


def _layers(parts: Sequence[Sequence[Mapping[str, list[int]]]]) -> list[RetentionLayer]:
    """Each layer's counts by set, added over parts."""
    return [
        {key: np.sum([layer[key] for layer in same], axis=0).tolist() for key in same[0]}  # type: ignore[misc]
        for same in zip(*parts, strict=True)
    ]


def _added(rows: Sequence[Sequence[int]], length: int) -> list[int]:
    """The sum of rows, of which some end before others."""
    return [sum(row[i] for row in rows if i < len(row)) for i in range(length)]


def _map(parts: Sequence[RetentionPart], whole: Sequence[Mapping[str, Any]]) -> RetentionMap:
    tokens = max(part["read"] for part in parts)
    longest = [one for part, one in zip(parts, whole, strict=True) if part["read"] == tokens]
    rows = {key: np.sum([one[key] for one in longest], axis=0) for key in ("by_step", "by_layer")}
    return {
        "chunks": len(longest),
        "tokens": tokens,
        "by_step": _lines(rows["by_step"]),
        "by_layer": _lines(rows["by_layer"]),
    }


def _lines(rows: np.ndarray) -> list[str]:
    return [" ".join(map(str, row.tolist())) for row in rows]
