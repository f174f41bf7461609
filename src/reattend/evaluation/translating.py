"""Sentences through a translation model, batch by batch, and all that a record needs."""

import dataclasses
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from reattend.decoding import Hypothesis, Search, translate
from reattend.decoding.beam import Beam
from reattend.decoding.sampling import Sampling
from reattend.decoding.translate import batches
from reattend.evaluation.progress import SentenceProgress
from reattend.evaluation.sentences import Encoded, Sentences, described, encode
from reattend.evaluation.translation import Settings
from reattend.evaluation.unfinished import Interrupted, Unfinished
from reattend.files import atomic
from reattend.metrics.bleu import every_score
from reattend.metrics.ngrams import to_lines
from reattend.models import build_model, size
from reattend.models.checkpoint import Translator, load_translator
from reattend.models.device import device
from reattend.models.meter import Meter
from reattend.records import Metric, TranslationRecord, config_hash
from reattend.records.record import TranslationModel

UNITS = {"chrf": "chrF2"}  # the others are BLEU


class Job:
    """One checkpoint and one set of sentences."""

    def __init__(self, settings: Settings, given: Sentences) -> None:
        self.settings = settings
        self.search = _search(settings)
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        self.translator: Translator = load_translator(settings.path, setting="checkpoint")
        self.pipeline = self.translator.pipeline
        given.refuse_other(self.pipeline)
        self.model = self.translator.model.requires_grad_(False).to(device("auto"))
        self.encoded: Encoded = encode(given, self.pipeline, longest=self.model.context)
        # a sentence without a word needs no model: its translation is empty
        self.spoken = [i for i, ids in enumerate(self.encoded.ids) if len(ids) > 1]
        lengths = [len(self.encoded.ids[i]) for i in self.spoken]
        self.batches = [[self.spoken[i] for i in batch] for batch in batches(lengths, self._room)]

    @property
    def _room(self) -> int:
        return self.settings.max_tokens // self.search.lanes

    def translated(self, batch: list[int]) -> dict[str, Any]:
        """A part of an unfinished run: one batch."""
        clock = time.perf_counter()
        ids = [self.encoded.ids[i] for i in batch]
        found = translate(self.model, ids, self.search, max_tokens=self.settings.max_tokens, numbers=batch)
        hypotheses = [[dataclasses.asdict(one) for one in best] for best in found]
        return {"batch": batch, "hypotheses": hypotheses, "seconds": time.perf_counter() - clock}

    def gathered(self, parts: list[dict[str, Any]]) -> list[list[Hypothesis]]:
        """[sentence][hypothesis], in the order of the file."""
        found: dict[int, list[Hypothesis]] = {}
        for part in parts:
            for i, best in zip(part["batch"], part["hypotheses"], strict=True):
                found[i] = [Hypothesis(**one) for one in best]
        empty = [Hypothesis(tokens=[], score=0.0, log_probability=0.0)]
        return [found.get(i, empty) for i in range(len(self.encoded.ids))]


def _search(settings: Settings) -> Search:
    kind: Any = Beam if settings.temperature is None else Sampling
    options = {field.name for field in dataclasses.fields(kind)}
    values = vars(settings) | {"count": settings.n_best}
    found: Search = kind(**{key: value for key, value in values.items() if key in options})
    return found


def translate_only(settings: Settings, given: Sentences) -> str:
    """The translations to print, or where they were written."""
    job = Job(settings, given)
    with SentenceProgress(total=len(job.spoken), shown=settings.progress) as progress:
        parts = []
        for batch in job.batches:
            parts.append(job.translated(batch))
            progress.add(len(batch))
    lines = list(_lines(job, job.gathered(parts)))
    if settings.output is None:
        return "\n".join(lines)
    _write(Path(settings.output), lines)
    return f"{len(job.encoded.ids):,} sentences translated to {settings.output}"


def score(
    config: Mapping[str, Any], settings: Settings, given: Sentences, *, name: str, folder: Path
) -> TranslationRecord:
    """The record of a test set, which goes on after the batches that an earlier attempt finished."""
    meter = Meter(threads=None)  # the job sets them
    job = Job(settings, given)
    data = described(given, job.encoded, direction=job.pipeline.direction)
    model = _model(job)
    identity = {"config_hash": config_hash(config), "model": model["sha256"], "data": data}
    unfinished = Unfinished(folder, identity, fresh=config["force"])
    with SentenceProgress(total=len(job.spoken), shown=settings.progress) as progress:
        for batch in job.batches:
            if unfinished.find(batch=batch) is None:
                try:
                    unfinished.add(job.translated(batch))
                except KeyboardInterrupt:
                    raise Interrupted(name, len(unfinished.parts), len(job.batches), what="batches") from None
            progress.add(len(batch))
    found = job.gathered(unfinished.parts)
    if settings.output is not None:
        _write(Path(settings.output), list(_lines(job, found)))
    assert given.references is not None
    scores = every_score(job.pipeline, [best[0].tokens for best in found], job.encoded.of(given.references))
    seconds = sum(part["seconds"] for part in unfinished.parts)
    return TranslationRecord(
        **meter.origin(config, name=name, device=next(job.model.parameters()).device),
        metrics={
            key: Metric(score.value, UNITS.get(key, "BLEU"), score.value * len(found), len(found))
            for key, score in scores.items()
        },
        model=model,
        data=data,
        signatures={key: score.signature for key, score in scores.items()},
        sentences=to_lines(scores["sacrebleu"].sentences),
        timing={
            **meter.clock.read(),
            "translation_seconds": seconds,
            "sentences_per_second": len(job.spoken) / seconds if seconds else 0.0,
        },
    )


def _model(job: Job) -> TranslationModel:
    config, sides = job.translator.config, job.pipeline.sides
    softmax = build_model(
        config["model"],
        attention={"name": "softmax"},
        vocabulary=(len(sides[0].symbols), len(sides[1].symbols)),
        context=job.model.context,
        seed=config["seed"],
    )
    return {
        "name": f"{config['data']['name']}_{config['attention']['name']}_{config['model']['name']}",
        "source": job.settings.path.name,
        "sha256": job.translator.sha256,
        "attention": config["attention"]["name"],
        "parameters": size(job.model),
        "attention_extra": size(job.model) - size(softmax),
        "seed": config["seed"],
        "pipeline": job.pipeline.sha256,
        "config": config,
    }


def _lines(job: Job, found: list[list[Hypothesis]]) -> Iterator[str]:
    """A translation a line; of several a sentence also which sentence of the file it is and the score, tabs between."""
    for number, best in zip(job.encoded.kept, found, strict=True):
        for hypothesis in best:
            text = job.pipeline.decode(hypothesis.tokens)
            yield text if job.settings.n_best == 1 else f"{number + 1}\t{hypothesis.score:.4f}\t{text}"


def _write(path: Path, lines: list[str]) -> None:
    with atomic(path.expanduser()) as temporary:
        temporary.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
