"""What there is to translate: lines of one's own, or a split of a prepared parallel corpus."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reattend.data import ParallelCorpus, build_data
from reattend.data.lines import Lines
from reattend.data.parallel.dictionary import EOS
from reattend.data.parallel.pipeline import Pipeline
from reattend.data.parallel.prepared import SPLITS
from reattend.records.record import SentenceSet
from reattend.settings import SettingError


@dataclass(frozen=True, kw_only=True)
class Sentences:
    """Plain text as people write it."""

    name: str
    source: str  # where it comes from, as the record shall say it
    licence: str
    direction: str | None  # None: that of the checkpoint
    pipeline: str | None  # sha256 of the corpus's own; None: lines have none
    lines: list[str]
    references: list[str] | None
    drop_empty: bool = False
    drop_too_long: bool = False

    def refuse_other(self, pipeline: Pipeline) -> None:
        """A checkpoint translates in its direction, by the subwords that it learnt."""
        if self.direction is not None and self.direction != pipeline.direction:
            expected = f"{pipeline.direction}, the direction of the checkpoint"
            raise SettingError("data.direction", self.direction, expected, "Correct it, or choose another checkpoint.")
        if self.pipeline is not None and self.pipeline != pipeline.sha256:
            expected = f"the preparation that the checkpoint was trained on (pipeline {pipeline.sha256[:12]})"
            fix = (
                "Give the data settings of its training, or write the test set to two files: "
                "data=lines data.source=FILE data.reference=FILE."
            )
            raise SettingError("data", f"{self.name} (pipeline {self.pipeline[:12]})", expected, fix)


@dataclass(frozen=True)
class Encoded:
    """The sentences that are kept, as numbers."""

    kept: list[int]  # which of the lines
    ids: list[list[int]]  # EOS last
    empty: int  # pairs with an empty side
    too_long: int
    dropped: int

    def of(self, lines: Sequence[str]) -> list[str]:
        """Those of `lines` that are kept."""
        return [lines[i] for i in self.kept]


def read_sentences(config: Mapping[str, Any], *, split: str) -> Sentences:
    """The sentences that the `data` group of a composed configuration describes."""
    data = build_data(config)
    if isinstance(data, Lines):
        lines, references = data.read()
        drop = {"drop_empty": data.empty == "drop", "drop_too_long": data.too_long == "drop"}
        name, direction, pipeline = data.title, data.direction, None
    elif isinstance(data, ParallelCorpus):
        if split not in SPLITS:
            raise SettingError("split", split, f"one of {', '.join(SPLITS)}", "Set split to one of them.")
        lines, references = data.plain(split)
        drop, name, direction, pipeline = {}, data.name, data.direction, data.pipeline.sha256
    else:
        fix = "Set data=lines data.source=FILE."
        raise SettingError("data", data.name, "sentences to translate: lines or a parallel corpus", fix)
    return Sentences(
        name=name,
        source=data.source,
        licence=data.licence,
        direction=direction,
        pipeline=pipeline,
        lines=lines,
        references=references,
        **drop,
    )


def encode(given: Sentences, pipeline: Pipeline, *, longest: int) -> Encoded:
    """As numbers, at most `longest` of a sentence."""
    kept, ids = [], []
    empty = too_long = 0
    for i, line in enumerate(given.lines):
        numbers = pipeline.encode_source(line)
        is_empty = not line or (given.references is not None and not given.references[i])
        is_long = len(numbers) > longest
        empty, too_long = empty + is_empty, too_long + is_long
        if not (is_empty and given.drop_empty) and not (is_long and given.drop_too_long):
            kept.append(i)
            ids.append([*numbers[: longest - 1], EOS] if is_long else numbers)
    if not kept:
        expected = f"sentences to translate; all {len(given.lines):,} are empty or too long"
        raise SettingError("data.source", given.source, expected, "Set data.empty=keep and data.too_long=cut.")
    return Encoded(kept, ids, empty, too_long, len(given.lines) - len(kept))


def described(given: Sentences, encoded: Encoded, *, direction: str) -> SentenceSet:
    """What the record keeps to tell this test set from any other."""
    source_sha256, reference_sha256 = checksums(given)
    return {
        "name": given.name,
        "direction": direction,
        "unit": "sentence",
        "source": given.source,
        "licence": given.licence,
        "source_sha256": source_sha256,
        "reference_sha256": reference_sha256,
        "sentences": len(encoded.kept),
        "empty": encoded.empty,
        "too_long": encoded.too_long,
        "dropped": encoded.dropped,
    }


def checksums(given: Sentences) -> tuple[str, str]:
    """sha256 of the sentences and of the references, a line each, before anything is dropped."""
    source, reference = (
        hashlib.sha256("".join(f"{line}\n" for line in side).encode()).hexdigest()
        for side in (given.lines, given.references or [])
    )
    return source, reference
