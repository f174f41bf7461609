"""Translations to print, or the record of a test set."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reattend.decoding import Hypothesis
from reattend.evaluation.progress import SentenceProgress
from reattend.evaluation.translating.job import Job
from reattend.evaluation.translating.sentences import Sentences, described
from reattend.evaluation.translation import Settings
from reattend.evaluation.unfinished import Interrupted, Unfinished
from reattend.files import atomic
from reattend.metrics.bleu import every_score
from reattend.metrics.ngrams import to_lines
from reattend.models import build_model, size
from reattend.models.meter import Meter
from reattend.records import Metric, TranslationRecord, config_hash
from reattend.records.record import TranslationModel

UNITS = {"chrf": "chrF2"}  # the others are BLEU


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
