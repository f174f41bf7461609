"""A table as Markdown for people and as CSV for programs; the same records give the same bytes."""

from collections.abc import Iterable

from reattend.report.grid import EMPTY, digits, grid
from reattend.report.retention.cells import Cell
from reattend.report.retention.legend import legend
from reattend.report.retention.numbers import Block, Row, Table
from reattend.report.retention.specification import PublishedTags
from reattend.report.statistics import Estimate

Value = tuple[str, object, float | None, Estimate | None]  # measure, key, value, and its interval if there is one


def markdown(table: Table) -> str:
    """Title, a grid of policies and one of parts of speech for each block, and what they are."""
    lines = [f"**{table.spec.title}**", ""]
    for block in table.blocks:
        lines += [f"What the state of **{block.label}** keeps [95 % interval over chunks]:", "", *_policies(block), ""]
        for row in table.tagged(block):
            heading = f"Steps that attend to a token, by part of speech, {row.label} on **{block.label}**"
            lines += [f"{heading}{_papers(table.spec.published)}:", "", *_tags(table, row), ""]
    return "\n".join(lines + [f"- {line}" for line in legend(table)]) + "\n"


def _policies(block: Block) -> list[str]:
    cells = [
        ["policy", "size", "recent, %", "first entry, steps", "it stays, %", "left at once, %", "mean", "perplexity"]
    ]
    for row, cell in block.cells:
        cells.append(
            [
                row.label,
                str(cell.size),
                _percent(cell.recency),
                _number(cell.first, 0),
                f"{100 * cell.stayed[0]:.0f}",
                _percent(cell.at_once, 2),
                f"{cell.residence.mean:.2f}",
                f"{cell.perplexity:.2f}",
            ]
        )
    return grid(cells)


def _tags(table: Table, row: Row) -> list[str]:
    """Sorted by the smallest size; the papers' columns follow ours."""
    spec, cells = table.spec, list(row.cells.values())
    papers = [(paper, i) for paper in spec.published for i in _columns(paper, row)]
    head = ["tag", "tokens", *(str(cell.size) for cell in cells), *(f"paper {p.sizes[i]}" for p, i in papers)]
    read = sum(cells[0].tokens_of.values())
    means = [_number(cell.residence, 0, interval=False) for cell in cells]
    lines = [head, ["all", f"{read:,}", *means, *(f"{paper.mean[i]:,.0f}" for paper, i in papers)]]
    for tag in _listed(cells[0], spec.fewest):
        theirs = [f"{paper.rows[tag][i]:,.0f}" if tag in paper.rows else EMPTY for paper, i in papers]
        ours = [_number(cell.tag(tag), 0) for cell in cells]
        lines.append([_verbatim(tag), f"{cells[0].tokens_of[tag]:,}", *ours, *theirs])
    return grid(lines)


def _columns(paper: PublishedTags, row: Row) -> list[int]:
    """Of a paper's sizes those that we have as well, or all."""
    shared = [i for i, size in enumerate(paper.sizes) if size in row.cells]
    return shared or [*range(len(paper.sizes))]


def _listed(cell: Cell, fewest: int) -> list[str]:
    means = {tag: found.mean for tag, n in cell.tokens_of.items() if n >= fewest and (found := cell.tag(tag))}
    return sorted(means, key=lambda tag: (-means[tag], tag))


def _verbatim(tag: str) -> str:
    """Tags are marks as well, which Markdown would read."""
    return f"`{tag}`"


def _papers(published: Iterable[PublishedTags]) -> str:
    return "".join(f"; beside {paper.model} of {paper.source}" for paper in published)


def _number(found: Estimate | None, decimals: int, *, scale: float = 1.0, interval: bool = True) -> str:
    if found is None:
        return EMPTY
    text = f"{scale * found.mean:,.{decimals}f}"
    if found.interval is None or not interval:
        return text
    low, high = (f"{scale * end:,.{decimals}f}" for end in found.interval)
    return f"{text} [{low}, {high}]"


def _percent(found: Estimate | None, decimals: int = 1) -> str:
    return _number(found, decimals, scale=100)


def values(table: Table) -> list[dict[str, object]]:
    """Every number of every cell, six significant digits."""
    return [
        {"model": block.label, "row": row.label, "size": cell.size, "measure": measure, "of": key}
        | {"value": digits(value)}
        | dict(zip(("low", "high"), map(digits, (found and found.interval) or (None, None)), strict=True))
        for block in table.blocks
        for row, cell in block.cells
        for measure, key, value, found in _values(cell)
    ]


def _values(cell: Cell) -> Iterable[Value]:
    for name in ("residence", "recency", "first", "at_once"):
        found: Estimate | None = getattr(cell, name)
        yield name, "", _mean(found), found
    yield "perplexity", "", cell.perplexity, None
    for tag in sorted(cell.tokens_of):
        found = cell.tag(tag)
        yield "residence", f"part of speech {tag}", _mean(found), found
        yield "tokens", f"part of speech {tag}", cell.tokens_of[tag], None
    for position, (mean, share) in enumerate(zip(cell.first_positions, cell.stayed, strict=True)):
        yield "residence", f"position {position}", mean, None
        yield "stayed", f"position {position}", share, None
    for layer, sets in enumerate(cell.sets):
        for number, share_ in enumerate(sets):
            yield "recency", f"layer {layer} set {number}", share_, None


def _mean(found: Estimate | None) -> float | None:
    return None if found is None else found.mean
