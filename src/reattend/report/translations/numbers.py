"""Translated test sets become the numbers of a table, or a refusal where they cannot be compared."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reattend.metrics.bootstrap import Difference, paired_bootstrap
from reattend.metrics.ngrams import from_lines
from reattend.records.record import RecordError, TranslationRecord
from reattend.report.comparable import refuse_to_mix
from reattend.report.of_training import OfTraining
from reattend.report.provenance import same_machine
from reattend.report.statistics import Estimate, estimate
from reattend.report.translations.specification import TranslationsSpec
from reattend.report.variants.rows import Variant, baseline_of, find_variants
from reattend.report.variants.specification import Published

MAIN = "sacrebleu"  # the metric whose differences are shown
METRICS = (MAIN, "tokenised_bleu", "compound_split_bleu", "chrf")
DECODING = ("beam", "length_penalty", "max_length_a", "max_length_b", "unknown", "temperature")


@dataclass(frozen=True)
class Translated(OfTraining[TranslationRecord]):
    """A translated test set."""

    @cached_property
    def sentences(self) -> np.ndarray:
        """[N, 6], see metrics/ngrams.py."""
        try:
            found = from_lines(self.record.sentences)
        except ValueError as error:
            raise RecordError(self.name, f"sentences: {error}", "Evaluate again with force=true") from None
        if len(found) != self.record.data["sentences"]:
            problem = f"has the statistics of {len(found)} sentences of {self.record.data['sentences']}"
            raise RecordError(self.name, problem, "Evaluate again with force=true")
        return found


@dataclass(frozen=True)
class Row:
    """One variant on one test set. What cannot be said is None."""

    label: str
    records: list[TranslationRecord]  # by seed of the training
    scores: dict[str, Estimate]  # by metric
    difference: Estimate | None  # of sacreBLEU to the baseline, over the seeds that both have
    by_seed: dict[int, Difference]  # the same for each seed, with its bootstrap over sentences
    speed_ratio: float | None
    published: list[Published]

    @property
    def parameters(self) -> tuple[int, int]:
        """Of the model, and of them what the mechanism adds."""
        model = self.records[0].model
        return model["parameters"], model["attention_extra"]


@dataclass(frozen=True)
class Block:
    """One test set; all of its rows translated the same sentences in the same way."""

    label: str
    rows: list[Row]

    @property
    def records(self) -> list[TranslationRecord]:
        return [record for row in self.rows for record in row.records]


@dataclass(frozen=True)
class Table:
    """A table's numbers."""

    spec: TranslationsSpec
    blocks: list[Block]

    @property
    def records(self) -> list[TranslationRecord]:
        return [record for block in self.blocks for record in block.records]


def build_table(spec: TranslationsSpec, records: Iterable[TranslationRecord]) -> Table:
    """The table over `records`."""
    return Table(spec, [Block(label, _rows(spec, members)) for label, members in _test_sets(records).items()])


def _test_sets(records: Iterable[TranslationRecord]) -> dict[str, list[TranslationRecord]]:
    """The records of each test set by its label: name and direction, and the files where those are shared."""
    grouped: dict[tuple[str, str], list[TranslationRecord]] = {}
    for record in records:
        short = f"{record.data['name']} {record.data['direction']}"
        grouped.setdefault((short, record.data["source"]), []).append(record)
    shorts = [short for short, _ in grouped]
    labels = {
        f"{short} ({source})" if shorts.count(short) > 1 else short: members
        for (short, source), members in grouped.items()
    }
    return dict(sorted(labels.items()))


def _rows(spec: TranslationsSpec, records: Sequence[TranslationRecord]) -> list[Row]:
    _refuse_to_mix(spec, records)
    variants = find_variants(spec, [Translated(record) for record in records])
    return [_row(spec, variant, baseline_of(spec, variant, variants)) for variant in variants]


def _refuse_to_mix(spec: TranslationsSpec, records: Sequence[TranslationRecord]) -> None:
    aspects: dict[str, Callable[[TranslationRecord], object]] = {
        "sha256 of the sentences": lambda record: record.data["source_sha256"],
        "sha256 of the references": lambda record: record.data["reference_sha256"],
        "number of sentences": lambda record: record.data["sentences"],
        **{f"signature of {key}": lambda record, key=key: record.signatures.get(key) for key in METRICS},  # type: ignore[misc]
        **{key: lambda record, key=key: record.config.get(key) for key in DECODING},  # type: ignore[misc]
    }
    remedy = "select one kind, evaluate the other anew with another results_dir, or delete its file"
    refuse_to_mix(records, aspects, table=spec.name, remedy=remedy)
    for record in records:
        for key in METRICS:
            if key not in record.metrics:
                raise RecordError(record.name, f"has no metric {key}", "Evaluate again with force=true")


def _row(spec: TranslationsSpec, variant: Variant[Translated], baseline: Variant[Translated] | None) -> Row:
    members = [variant.seeds[seed] for seed in sorted(variant.seeds)]
    records = [member.record for member in members]
    pairs = variant.paired(baseline)
    differences = [_main(mine) - _main(base) for mine, base in pairs]
    speeds = [_speed(mine) / _speed(base) for mine, base in pairs if same_machine(mine.record, base.record)]
    return Row(
        label=variant.label,
        records=records,
        scores={key: estimate([record.metrics[key].value for record in records]) for key in METRICS},
        difference=estimate(differences) if differences else None,
        by_seed={mine.seed: paired_bootstrap(mine.sentences, base.sentences) for mine, base in pairs},
        speed_ratio=statistics.median(speeds) if speeds else None,
        published=[number for number in spec.published if number.row == variant.row],
    )


def _main(one: Translated) -> float:
    return one.record.metrics[MAIN].value


def _speed(one: Translated) -> float:
    return one.record.timing["sentences_per_second"]
