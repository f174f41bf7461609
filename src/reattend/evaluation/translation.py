"""Translate a test set by beam search and score it against its references: BLEU of three kinds and chrF.

Translations of a checkpoint that was trained on lower-cased text are scored without case by sacrebleu and chrF, and the
signatures say so (`case:lc`). Without references the translations are all there is, and no record is written.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from reattend.evaluation.base import ANEW, Task
from reattend.evaluation.on_checkpoint import OnCheckpoint
from reattend.evaluation.predictions import refuse_unwritable
from reattend.evaluation.translating.sentences import Sentences, checksums, read_sentences
from reattend.evaluation.unfinished import forget
from reattend.jobs import once
from reattend.records import TranslationRecord
from reattend.settings import SettingError, at_least

METRICS = ("sacrebleu", "tokenised_bleu", "compound_split_bleu", "chrf")  # in the order they are shown


@dataclass(frozen=True, kw_only=True)
class Settings(OnCheckpoint):
    """The keys of the task; those that only a search knows are checked there too."""

    beam: int
    length_penalty: float
    max_length_a: float
    max_length_b: int
    n_best: int
    unknown: Literal["keep", "forbid"]
    temperature: float | None
    seed: int
    max_tokens: int
    output: str | None
    progress: bool

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Settings":
        settings = cls(**cls.values(config))
        for key in ("beam", "n_best", "max_tokens"):
            at_least(key, getattr(settings, key), 1)
        at_least("threads", settings.threads, 1)
        refuse_unwritable(settings.output)
        if settings.temperature is not None and settings.beam != 1:
            expected = "1 with a temperature: tokens are then drawn, not searched for"
            raise SettingError("beam", settings.beam, expected, "Add beam=1, or set temperature=null.")
        return settings


class Translation(Task):
    def __init__(self) -> None:
        """Its options are keys of the whole configuration: `beam=5`."""

    def run(self, config: Mapping[str, Any]) -> str:
        settings = Settings.of(config)
        given = read_sentences(config["data"], split=settings.split)
        if given.references is None:
            from reattend.evaluation.translating.run import translate_only

            print("No references: translated, not scored, and no record is written.", file=sys.stderr)
            return translate_only(settings, given)

        def work(name: str, folder: Path) -> TranslationRecord:  # imports torch, which a finished one does without
            from reattend.evaluation.translating.run import score

            return score(config, settings, given, name=name, folder=folder)

        record = once(config, TranslationRecord, work, keeps="unfinished", clean=forget)
        _refuse_another(record, settings, given)
        return summary(record)


def _refuse_another(record: TranslationRecord, settings: Settings, given: Sentences) -> None:
    """A record of before must be of this checkpoint and these sentences, its translations where they are asked for."""
    if settings.path.is_file():
        settings.refuse_changed(record.model["sha256"], record=record.name)
    if (record.data["source_sha256"], record.data["reference_sha256"]) != checksums(given):
        expected = f"the sentences of the record {record.name}; these are others"
        raise SettingError("data", given.source, expected, ANEW)
    if settings.output is not None and not Path(settings.output).expanduser().is_file():
        expected = f"null, as {record.name} was finished before, without this file"
        raise SettingError("output", settings.output, expected, ANEW)


def summary(record: TranslationRecord) -> str:
    """A few lines on a record, one a score; each with the signature without which it says nothing."""
    model, data, config = record.model, record.data, record.config
    lines = [
        f"{data['name']} {data['direction']} ({data['source']}): {model['attention']}, {model['parameters']:,} "
        f"parameters, seed {model['seed']}; {_searched(config)}"
    ]
    lines += [f"  {key:<20} {record.metrics[key].value:6.2f}  {record.signatures[key]}" for key in METRICS]
    notable = {"empty": data["empty"], "too long": data["too_long"], "dropped": data["dropped"]}
    counts = ", ".join(f"{count:,} {what}" for what, count in notable.items() if count)
    lines.append(
        f"  {data['sentences']:,} sentences{f' ({counts})' * bool(counts)}, "
        f"{record.timing['sentences_per_second']:,.1f} sentences/s"
    )
    return "\n".join(lines)


def _searched(config: Mapping[str, Any]) -> str:
    if config.get("temperature") is not None:
        return f"sampled at temperature {config['temperature']}, seed {config['seed']}"
    return f"beam {config['beam']}, length penalty {config['length_penalty']}"
