"""The lines below the grids: what they say, and without which they could not be compared with anybody's."""

from collections.abc import Iterable

from reattend.report.provenance import origin, pretrained
from reattend.report.stories.numbers import Block, Judged, Table


def legend(table: Table) -> list[str]:
    """What the numbers say, then what they are."""
    several = len(table.blocks) > 1
    said = [f"{block.label}: " * several + line for block in table.blocks for line in _said(table, block)]
    lines = [*said, *dict.fromkeys(line for block in table.blocks for line in _described(block))]
    lines += [
        "Untouched: ended by the model before anything had left the state, so that the full state writes the same; "
        "pairs of such stories are dropped before they are judged.",
        "distinct-n: different n-grams of words / all; repeated 4-grams: the share of 4-grams of tokens that came "
        "before in the same story; longest repeat: tokens of the longest span that did. The first three depend on "
        "length. Perplexity: per token under the full state, the geometric mean over stories; a loop is easy to "
        "predict, so a low one is no praise.",
    ]
    if any(block.judged for block in table.blocks):
        lines.append(
            "Each pair was shown in both orders; a version wins if both answers name it, and without two answers that "
            "name an option a comparison is missing, which counts nowhere. Shares: Wilson's intervals. Lead: (won - "
            "lost) / (won + lost) with the exact interval of the sign test; one that spans zero leaves the sign open."
        )
    lines.append(f"Runs: {origin(table.records)}.")
    return [*lines, *table.spec.notes]


def _said(table: Table, block: Block) -> Iterable[str]:
    for one in block.judged:
        yield _verdict(one)
        yield from _bias(one)
    checked = [version for version in block.versions if version.equal is not None and version.count("untouched")]
    if checked:
        counts = ", ".join(f"{one.label} {one.equal} of {one.count('untouched')}" for one in checked)
        rounding = "; the others differ by rounding, which is coarse in bfloat16" * any(
            one.equal != one.count("untouched") for one in checked
        )
        yield f"Untouched stories that are those of {table.spec.topline} to the letter: {counts}{rounding}."


def _verdict(one: Judged) -> str:
    pair = f"{one.first} against {one.second}"
    if one.lead is None:
        return f"{pair}: of {one.counted} comparisons none was decided, so no difference is shown."
    value, (low, high) = one.lead
    counts = f"won {one.won} and lost {one.lost} of {one.counted} comparisons (sign test: p = {one.p:.2g})"
    if low <= 0 <= high:
        return f"{pair}: {counts}; no difference is shown."
    return f"{pair}: {counts}; the judge prefers {one.first if value > 0 else one.second}."


def _bias(one: Judged) -> Iterable[str]:
    first, second = one.by_place
    if first + second:
        yield (
            f"{one.first} against {one.second}: of the ties {first} are pairs where the judge twice named the story "
            f"that stood first, {second} where it twice named the one that stood second."
        )


def _described(block: Block) -> Iterable[str]:
    record = block.versions[0].record
    task, prompts = record.config["task"], record.prompts
    source = "the prompt of the table's experiment" if prompts["source"] == "task.prompt" else prompts["source"]
    used = len({story["prompt"] for story in record.stories})
    about = f"{used} of {prompts['count']} prompt{'s' * (prompts['count'] > 1)} ({source})"
    yield (
        f"Stories of {block.label}: {about}, temperature {task['temperature']:g}, top-p {task['top_p']:g}, seed "
        f"{record.seed}, at most {_longest(block)} tokens; a story's random numbers are the same in each version."
    )
    yield pretrained(record.lm)
    if block.not_named:
        yield f"Where a version does not say: {'; '.join(block.not_named)}."


def _longest(block: Block) -> str:
    given = block.versions[0].record.config["task"]["longest"]
    return "as many as the model has positions for" if given is None else f"{given:,}"
