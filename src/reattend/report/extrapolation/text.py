"""A table as Markdown for people and as CSV for programs; the same records give the same bytes."""

import math

from reattend.report.extrapolation.numbers import Block, Row, Table
from reattend.report.grid import EMPTY, digits, grid
from reattend.report.provenance import origin
from reattend.report.sizes.numbers import named_texts, percent, perplexity


def markdown(table: Table) -> str:
    """Title, a grid for each model and its texts, and what the numbers are."""
    lines = [f"**{table.spec.title}**", ""]
    for block in table.blocks:
        lines += [f"Perplexity per token of **{block.label}** so far, after so many tokens of each text:", ""]
        lines += [*grid(_cells(table, block)), ""]
    return "\n".join(lines + [f"- {line}" for line in _legend(table)]) + "\n"


def _cells(table: Table, block: Block) -> list[list[str]]:
    end = block.rows[0].points[-1][0]
    marks = [*(mark for mark in table.spec.marks if mark < end), end]
    against = [f"% above {block.baseline.label}"] if block.baseline else []
    cells = [["policy, positions", *(f"{mark:,}" for mark in marks), *against, "tokens/s", "at the end"]]
    for row in block.rows:
        found = [row.so_far(mark) for mark in marks]
        texts = [EMPTY if value is None else perplexity(value, table.spec.decimals) for value in found]
        above = block.above(row)
        texts += [EMPTY if above is None else percent(above)] * len(against)
        cells.append([row.label, *texts, *(f"{row.pace(last=last):,.0f}" for last in (False, True))])
    return cells


def _legend(table: Table) -> list[str]:
    lines = [_read(block) for block in table.blocks]
    for block in table.blocks:
        made_for = table.spec.contexts.get(block.model)
        if made_for:
            lines.append(f"{block.model} was made for {made_for:,} positions: the dotted line of the picture.")
        if block.baseline is None:
            wanted = " ".join(f"{key}={value}" for key, value in table.spec.baseline.items())
            lines.append(f"{block.label}: no {wanted}, which the others are to be compared with.")
    if any(block.above(row) is not None for block in table.blocks for row in block.rows):
        lines.append(
            "% above: of the ratio of the perplexities of all tokens; with several texts, its 95 % t-interval over "
            "them; one that spans zero leaves the sign open; × is the ratio itself, from tenfold on."
        )
    lines.append("tokens/s: in the first tenth of the texts and in the last; equal ones say that time is linear.")
    lines.append(f"Runs: {origin(table.records)}.")
    return [*dict.fromkeys(lines), *table.spec.notes]


def _read(block: Block) -> str:
    record = block.rows[0].record
    texts = named_texts([part["document"] for part in record.parts], most=4)
    kept = max(row.record.state["kv_bytes"] for row in block.rows)
    tokens = sum(part["tokens"] for part in record.parts)
    return (
        f"{block.label}: {tokens:,} tokens of {record.data['name']} ({texts}), each text one stream from an empty "
        f"state; at most {kept / 1e6:.3g} MB of keys and values."
    )


def values(table: Table) -> list[dict[str, object]]:
    """Every point of every line, six significant digits."""
    return [
        {"model": block.label, "row": row.label, "policy": row.policy, "positions": row.positions} | point
        for block in table.blocks
        for row in block.rows
        for point in _points(row)
    ]


def _points(row: Row) -> list[dict[str, object]]:
    return [
        {"tokens": end, "perplexity_so_far": digits(found), "nats_per_token_so_far": digits(math.log(found))}
        for end, found in row.points
    ]
