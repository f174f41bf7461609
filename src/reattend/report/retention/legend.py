"""The lines below the grids: what the numbers say, what they are, and where they come from."""

import math
from collections.abc import Iterable

from reattend.records.retention import RetentionRecord
from reattend.report.provenance import origin, unique
from reattend.report.retention.numbers import Block, Table, agreement
from reattend.report.retention.specification import PublishedTags
from reattend.report.sizes.numbers import named_texts


def legend(table: Table) -> list[str]:
    """What the numbers say, then what they are."""
    spec, records = table.spec, table.records
    lines = [line for block in table.blocks for line in (*_identity(block), *_agreements(table, block))]
    lines += [
        "Steps: an entry is attended at its own step and at each until it leaves, at the latest until the chunk ends; "
        "means over the entries of all layers, and of all key-value heads where each decides alone. Recent: of the "
        "entries kept after a step, the share that is among the last `size` positions, over the steps from `size` on; "
        "a window has 100 %, a state that drops at random 63 % in the long run. It stays: the share of layers or heads "
        "that keep the first entry to the end. Intervals: Student's t over chunks, clipped to what is possible, 0 to "
        "100 % and 1 to the steps of the longest chunk.",
        *dict.fromkeys(_read(record) for record in records),
        *dict.fromkeys(
            f"Model: {r.lm['name']}, {r.lm['architecture']}, {r.lm['dtype']}, {r.lm['source']}." for r in records
        ),
    ]
    taggers = sorted({record.tagger for record in records if record.tagger})
    if taggers:
        lines.append(
            f"Parts of speech by {unique(taggers)}; a token has that of the word which holds its first character other "
            f"than a blank; those of fewer than {spec.fewest} tokens are in the CSV alone."
        )
    named = [text for block in table.blocks for text in block.not_named]
    if named:
        lines.append(f"Where a row does not say: {'; '.join(dict.fromkeys(named))}.")
    lines.append(f"Runs: {origin(records)}.")
    return [*lines, *_notes(spec.published), *spec.notes]


def _identity(block: Block) -> Iterable[str]:
    """What the mean is, whatever the policy; a policy that drops several at once falls short of it."""
    held, short = [], []
    for row, cell in block.cells:
        if math.isclose(cell.residence.mean, cell.one_a_step):
            held.append(f"{cell.one_a_step:.2f} at {cell.size}")
        else:
            short.append(f"{row.label} {cell.size}")
    if held:
        means = ", ".join(dict.fromkeys(held))
        yield (
            f"{block.label}: the mean is {means} whatever leaves, as long as one entry does at each step: "
            "sum_t min(t, size + 1) over the tokens."
        )
    if short:
        yield f"{block.label}: {', '.join(short)} let several entries go at once, or none, and have another mean."


def _agreements(table: Table, block: Block) -> Iterable[str]:
    for row in table.tagged(block):
        for paper in table.spec.published:
            for size in (size for size in row.cells if size in paper.sizes):
                found = agreement(row, paper, size, fewest=table.spec.fewest)
                if found is not None:
                    low, high = found.spearman.interval
                    open_ = "; it spans zero" if found.spearman.spans_zero else ""
                    yield (
                        f"{block.label}, {row.label} at {size}: the order of {found.n} parts of speech goes with that "
                        f"of {paper.model} by Spearman's {found.spearman.value:.2f} [{low:.2f}, {high:.2f}]{open_}."
                    )


def _read(record: RetentionRecord) -> str:
    texts = named_texts([text["title"] for text in record.data["documents"]])
    longest = max(part["read"] for part in record.parts)
    tokens = sum(part["read"] for part in record.parts)
    return (
        f"Read: {tokens:,} {record.data['unit']}s in {len(record.parts)} chunks of up to {longest:,} of "
        f"{record.data['name']} ({texts})."
    )


def _notes(published: Iterable[PublishedTags]) -> Iterable[str]:
    for paper in published:
        yield f"Paper: {paper.model} on {paper.task} ({paper.source}); another model, tokens and text than ours."
        yield from paper.notes
