"""Score the tokens of a split in the way that is asked for, and say all that a record needs."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reattend.data import build_corpus
from reattend.data.corpus import Corpus
from reattend.data.prepared.word_level import EOS
from reattend.evaluation.likelihood import Settings
from reattend.evaluation.progress import Progress
from reattend.evaluation.scoring.sums import metrics, of_parts
from reattend.evaluation.scoring.ways import Stream, Way, Windows
from reattend.evaluation.unfinished import Interrupted, Unfinished
from reattend.models.decoder import Decoder
from reattend.models.language import LanguageModel, build_lm
from reattend.models.meter import Meter
from reattend.records import EvaluationRecord, Metric, config_hash
from reattend.records.record import Part


def score(
    config: Mapping[str, Any], settings: Settings, kept: Mapping[str, Any], *, name: str, folder: Path
) -> EvaluationRecord:
    """The record of a split, which goes on after the parts that an earlier attempt finished."""
    meter = Meter(threads=settings.threads)
    loader = {"name": "checkpoint", "loader": "checkpoint", "path": str(settings.path)}
    lm = build_lm(loader).load()
    corpus = build_corpus(config["data"])
    described = corpus.identity()
    settings.refuse_another_text(described, kept)
    way = _way(lm, corpus, settings)
    data = {key: described[key] for key in ("name", "unit", "source", "licence")}
    identity = {
        "lm": lm.identity() | {"config": kept["config"]},
        "data": data | {"documents": [_document(corpus, settings.split) | described["splits"][settings.split]]},
    }
    unfinished = Unfinished(folder, {"config_hash": config_hash(config), **identity}, fresh=config["force"])
    parts = _parts(way, corpus.unit, settings, unfinished, name)
    return EvaluationRecord(
        **meter.origin(config, name=name, device=next(lm.model.parameters()).device),
        metrics=metrics(parts) | _per_word(corpus, settings, parts),
        lm=identity["lm"],  # type: ignore[arg-type]
        data=identity["data"],  # type: ignore[arg-type]
        parts=parts,
        **of_parts(parts, meter.clock),
    )


def _way(lm: LanguageModel, corpus: Corpus, settings: Settings) -> Way:
    """The way of the settings over the split."""
    assert isinstance(lm.model, Decoder) and lm.context is not None
    kind = Windows if settings.memory is None else Stream
    return kind(lm.model, corpus.splits()[settings.split], settings, context=lm.context)


def _parts(way: Way, unit: str, settings: Settings, unfinished: Unfinished, name: str) -> list[Part]:
    """Each piece scored, or as an earlier attempt scored it."""
    pieces = way.pieces()
    with Progress(settings.split, total=way.targets, shown=settings.progress) as progress:
        for piece in pieces:
            start = way.place(piece.start)
            part = unfinished.find(start=start)
            if part is None:
                try:
                    unfinished.add(part := _part(way, piece, progress, unit=unit, split=settings.split))
                except KeyboardInterrupt:
                    raise Interrupted(name, len(unfinished.parts), len(pieces), what="parts") from None
            progress.add(part)
    return list(unfinished.parts)


def _part(way: Way, piece: range, progress: Progress, *, unit: str, split: str) -> Part:
    """What a record keeps of one piece."""
    clock = time.perf_counter()
    nats, tokens = 0.0, 0
    for more, count in way.read(piece):
        nats, tokens = nats + more, tokens + count
        progress.within(nats, tokens)
    entries, kept = way.kept()
    return {
        "document": split,
        "start": way.place(piece.start),
        "tokens": tokens,
        "words": tokens if unit == "word" else 0,
        "bytes": tokens if unit == "byte" else 0,
        "nats": nats,
        "seconds": time.perf_counter() - clock,
        "entries": entries,
        "kv_bytes": kept,
    }


def _per_word(corpus: Corpus, settings: Settings, parts: list[Part]) -> dict[str, Metric]:
    """Of a whole split of bytes whose words are known."""
    words = corpus.words_of(settings.split)
    if words is None or settings.limit is not None:
        return {}
    nats = sum(part["nats"] for part in parts)
    return {"nats_per_word": Metric(nats / words, "nats per word", nats, words)}


def _document(corpus: Corpus, split: str) -> dict[str, Any]:
    """A split as a document of the record."""
    tokens, words = corpus.splits()[split], corpus.words()
    if words is None:
        characters = np.count_nonzero((tokens & 0xC0) != 0x80)  # bytes 10xxxxxx go on with a character
    else:  # a blank between words, one character at a line's end
        characters = np.array([len(word) + 1 if word != EOS else 1 for word in words])[tokens].sum()
    return {"title": split, "characters": int(characters)}
