"""Where a policy stands among the others, in words: what the paper claims of TOVA, read off the records."""

import math
from collections.abc import Iterable, Sequence

from reattend.report.sizes.cells import log_ratio
from reattend.report.sizes.numbers import listed, percent, perplexity
from reattend.report.sizes.specification import SizesSpec
from reattend.report.sizes.table import Block, Row


def claims(spec: SizesSpec, block: Block) -> list[str]:
    """A line on being the best and one on being near the topline, for each row with the settings of `claim`."""
    rows = [row for row in block.rows if spec.claim and spec.claim.items() <= row.config.items()]
    return [
        line for row in rows for line in (*_against_the_others(block, row), *_against_the_topline(spec, block, row))
    ]


def _against_the_others(block: Block, row: Row) -> Iterable[str]:
    """Its own variants are no rivals: which of them is the best is another question."""
    others = [other for other in block.rows if other.policy != row.policy]
    best, clear, behind = [], [], []
    for size in (size for size in block.sizes if size in row.cells):
        rivals = [other for other in others if size in other.cells]
        if not rivals:
            continue
        rival = min(rivals, key=lambda other: other.cells[size].perplexity)
        ratio = log_ratio(row.cells[size].record, rival.cells[size].record)
        if ratio.mean > 0:
            mark = ", spans zero" if ratio.spans_zero else ""
            behind.append(f"{rival.label} at {size} ({row.label} is {percent(ratio)} % above it{mark})")
            continue
        best.append(size)
        if ratio.interval and ratio.interval[1] < 0:
            clear.append(size)
    if best or behind:
        yield f"{row.label}{_aside(block, row)} {_standing(best, clear, len(best) + len(behind))}."
    if behind:
        yield f"Lower than {row.label}: {'; '.join(behind)}."


def _aside(block: Block, row: Row) -> str:
    variants = any(other.policy == row.policy and other.label != row.label for other in block.rows)
    return f", other variants of {row.policy} aside," if variants else ""


def _standing(best: Sequence[int], clear: Sequence[int], tried: int) -> str:
    text = f"has the lowest perplexity of the bounded policies at {len(best)} of {tried} size{'s' * (tried > 1)}"
    if not best:
        return text
    where = "each of them" if clear == best else listed(clear)
    return f"{text} ({listed(best)}); its interval against the next best leaves out zero at {where}"


def _against_the_topline(spec: SizesSpec, block: Block, row: Row) -> Iterable[str]:
    sizes = [size for size, cell in row.cells.items() if size is not None and cell.above]
    size = min(sizes, key=lambda size: abs(math.log(size / (block.context / 8))), default=None)
    if size is None:
        return
    cell = row.cells[size]
    assert cell.above is not None
    top = cell.perplexity / math.exp(cell.above.mean)
    yield (
        f"At size {size}, 1/{block.context / size:.3g} of the {block.context:,} tokens of a chunk, "
        f"{row.label} is {percent(cell.above)} % above {spec.topline}: {perplexity(cell.perplexity, spec.decimals)} "
        f"against {perplexity(top, spec.decimals)}."
    )
