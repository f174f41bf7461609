"""The lines below the grids: without them a BLEU could not be compared with anybody's."""

from collections.abc import Iterable

from reattend.metrics.bootstrap import DRAWS, SEED
from reattend.records.record import TranslationRecord
from reattend.report.provenance import origin, unique
from reattend.report.translations.numbers import METRICS, Block, Table
from reattend.report.variants.claims import say_one_seed, say_seeds
from reattend.report.variants.legend import say_published

KINDS = {
    "sacrebleu": "sacreBLEU is of detokenised text",
    "tokenised_bleu": "tokenised BLEU of lower-cased Moses tokens, as multi-bleu.perl -lc",
    "compound_split_bleu": "compound-split BLEU of Moses tokens with a-b cut into three on both sides",
    "chrf": "chrF is chrF2 of detokenised text",
}


def legend(table: Table) -> list[str]:
    """What the numbers are, then where they come from."""
    spec, rows = table.spec, [row for block in table.blocks for row in block.rows]
    lines = [*map(_test_set, table.blocks), _kinds(table.records), unique(map(_decoding, table.records)) + "."]
    seeds = say_seeds(record.model["seed"] for record in table.records)
    lines += [
        f"Trained on {unique(map(_trained, table.records))}; {seeds}.",
        f"Translated on {origin(table.records)}.",
    ]
    if any(row.difference for row in rows):
        known = any(row.difference and row.difference.interval for row in rows)
        interval = ", with its 95 % t-interval; one that spans zero leaves the sign open" if known else ""
        lines += [
            "± is the standard deviation over training seeds. Δ is the mean difference of sacreBLEU to "
            f"{spec.baseline} with the same seed{interval}. Sentences/s are relative to that, on the same machine.",
            f"p, for each seed by itself, is that of a paired bootstrap over the sentences ({DRAWS:,} draws, "
            f"seed {SEED}, as sacrebleu's): it knows nothing of other seeds.",
        ]
    lines += say_one_seed(row.difference for row in rows)
    return [*lines, *dict.fromkeys(say_published(number) for row in rows for number in row.published), *spec.notes]


def _test_set(block: Block) -> str:
    data = block.records[0].data
    notable = {"with an empty side": data["empty"], "too long": data["too_long"], "dropped": data["dropped"]}
    counts = "".join(f", {count:,} {what}" for what, count in notable.items() if count)
    return (
        f"{block.label}: {data['sentences']:,} sentences{counts} of {data['source']} ({data['licence']}), sha256 "
        f"{data['source_sha256'][:12]} and {data['reference_sha256'][:12]}."
    )


def _kinds(records: Iterable[TranslationRecord]) -> str:
    signatures = {key: unique(record.signatures[key] for record in records) for key in METRICS}
    kinds = "; ".join(f"{KINDS[key]} (`{signatures[key]}`)" for key in METRICS)
    return f"{kinds}. Higher is better; numbers of two columns are never compared."


def _decoding(record: TranslationRecord) -> str:
    config = record.config
    beam = f"Beam {config['beam']}, length penalty {config['length_penalty']:g}"
    drawn = f"Drawn at temperature {config.get('temperature')}"
    return (
        f"{beam if config.get('temperature') is None else drawn}, at most {config['max_length_a']:g} S + "
        f"{config['max_length_b']} subwords for S of the source, unknown word: {config['unknown']}"
    )


def _trained(record: TranslationRecord) -> str:
    config = record.model["config"]
    steps = config.get("trainer", {}).get("max_steps")
    length = "" if steps is None else f", up to {steps:,} steps"
    return f"{config['data']['name']} ({config['model']['name']}{length}; {record.model['source']})"
