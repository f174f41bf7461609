"""A table as Markdown for people and as values for programs.

Two grids a block, as both do not fit in one line: what the perplexity is, and how far above the topline that is with
its interval. The same records give the same bytes.
"""

import math
from collections.abc import Mapping, Sequence

from reattend.report.estimates import ends
from reattend.report.grid import digits, grid
from reattend.report.sizes.legend import legend
from reattend.report.sizes.numbers import percent, perplexity, size_name
from reattend.report.sizes.rows import in_order
from reattend.report.sizes.specification import PublishedSizes
from reattend.report.sizes.table import Block, Row, Table
from reattend.report.statistics import estimate


def markdown(table: Table) -> str:
    """Title, the grids of each block, what they say, what they are, and the papers' numbers."""
    lines = [f"**{table.spec.title}**", ""]
    for block in table.blocks:
        lines += [*_perplexities(table, block), "", *_above(table, block)]
    lines += [f"- {line}" for line in legend(table)]
    for paper in table.spec.published:
        lines += ["", *_published(paper, table.spec.decimals)]
    return "\n".join(lines) + "\n"


def _perplexities(table: Table, block: Block) -> list[str]:
    sizes = _columns(block.rows)
    heading = f"Perplexity per token of **{block.label}** by size of the state; the best policy of a size in bold:"
    cells = [["policy", *map(size_name, sizes), "tokens/s"]]
    for row in block.rows:
        values = {size: cell.perplexity for size, cell in row.cells.items()}
        best = {size: block.best(size) for size in block.sizes}
        cells.append([row.label, *_marked(values, best, sizes, table.spec.decimals), f"{row.tokens_per_second:,.0f}"])
    return [heading, "", *grid(cells)]


def _marked(
    values: Mapping[int | None, float], best: Mapping[int, float], sizes: Sequence[int | None], decimals: int
) -> list[str]:
    """The perplexities of a row; in bold where it reads as the best of the size does."""
    texts = []
    for size in sizes:
        text = perplexity(values[size], decimals) if size in values else ""
        is_best = size is not None and size in values and text == perplexity(best[size], decimals)
        texts.append(f"**{text}**" if is_best else text)
    return texts


def _above(table: Table, block: Block) -> list[str]:
    rows = [row for row in block.rows if any(cell.above for cell in row.cells.values())]
    if not rows:
        return []
    sizes = _columns(rows)
    cells = [["% above", *map(size_name, sizes)]]
    for row in rows:
        above = {size: cell.above for size, cell in row.cells.items()}
        cells.append([row.label, *(percent(found) if (found := above.get(size)) else "" for size in sizes)])
    chunks = len(block.cells[0].record.parts)
    interval = f" [95 % interval over {chunks} chunks]" if chunks > 1 else ""
    return [f"The same in % above {table.spec.topline}{interval}:", "", *grid(cells), ""]


def _published(paper: PublishedSizes, decimals: int) -> list[str]:
    heading = (
        f"Published for **{paper.model}** on {paper.task} ({paper.source}), in parentheses the % above full. "
        "Another model and another text than ours: compare the order of the rows, not the digits."
    )
    best = {size: min(values[i] for values in paper.rows.values()) for i, size in enumerate(paper.sizes)}
    cells = [["policy", *map(size_name, [*paper.sizes, None])]]
    cells.append(["full", *([""] * len(paper.sizes)), perplexity(paper.full, decimals)])
    for row, values in paper.rows.items():
        marked = _marked(dict(zip(paper.sizes, values, strict=True)), best, paper.sizes, decimals)
        above = [percent(estimate([math.log(value / paper.full)])) for value in values]
        cells.append([row, *(f"{text} ({more})" for text, more in zip(marked, above, strict=True)), ""])
    return [heading, "", *grid(cells), *([""] * bool(paper.notes)), *(f"- {note}" for note in paper.notes)]


def _columns(rows: Sequence[Row]) -> list[int | None]:
    return in_order(size for row in rows for size in row.cells)


def values(table: Table) -> list[dict[str, object]]:
    """Every cell of every block, six significant digits."""
    return [
        {"model": block.label, "row": row.label, "size": "" if size is None else size} | _values(row, size)
        for block in table.blocks
        for row in block.rows
        for size in row.cells
    ]


def _values(row: Row, size: int | None) -> dict[str, object]:
    cell = row.cells[size]
    ratios = map(digits, ends(cell.above, as_ratio=True))
    record = cell.record
    return {
        "perplexity_per_token": digits(cell.perplexity),
        "perplexity_per_word": digits(cell.word_perplexity),
        "bits_per_byte": digits(cell.bits_per_byte),
        **dict(zip(("ratio", "ratio_low", "ratio_high"), ratios, strict=True)),
        "chunks": len(record.parts),
        "tokens": cell.totals.tokens,
        "words": cell.totals.words,
        "bytes": cell.totals.bytes,
        "tokens_per_second": digits(record.timing["tokens_per_second"]),
        "entries_per_layer": digits(record.state["entries_per_layer"]),
        "kv_bytes": record.state["kv_bytes"],
    }
