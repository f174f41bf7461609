"""Where a policy stands among the others, in words; what an interval leaves open is not called a difference."""

import math
from collections.abc import Iterable

from reattend.report.answers.measures import Measure
from reattend.report.answers.numbers import difference, unit, value
from reattend.report.answers.specification import AnswersSpec
from reattend.report.answers.table import Block, Row
from reattend.report.sizes.numbers import listed


def claims(spec: AnswersSpec, block: Block) -> list[str]:
    """For each measure and each row with the settings of `claim`: against the next best, and against the topline."""
    rows = [row for row in block.rows if spec.claim and spec.claim.items() <= row.config.items()]
    return [
        line
        for measure in block.measures
        for row in rows
        for line in (*_against_the_others(spec, block, row, measure), *_against_the_topline(spec, block, row, measure))
    ]


def _against_the_others(spec: AnswersSpec, block: Block, row: Row, measure: Measure) -> Iterable[str]:
    """Its own variants are no rivals: which of them is the best is another question."""
    others = [other for other in block.rows if other.policy != row.policy]
    better, worse, open_ = [], [], []
    for size in (size for size in row.cells if size is not None):
        rivals = [other for other in others if size in other.cells]
        if not rivals:
            continue
        best = max if measure.higher else min
        rival = best(rivals, key=lambda other: other.cells[size].value(measure))
        found = measure.compared(row.cells[size].record.parts, rival.cells[size].record.parts)
        text = f"{size} ({difference(measure, found, spec.decimals)} {unit(measure)} to {rival.label})"
        if not found.is_clear:
            open_.append(text)
        elif (found.mean > 0) == measure.higher:
            better.append(text)
        else:
            worse.append(text)
    parts = [("better at ", better), ("worse at ", worse), ("no difference can be told at ", open_)]
    said = "; ".join(name + listed(sizes) for name, sizes in parts if sizes)
    if said:
        yield f"{measure.title}, {row.label} against the best other policy of its size: {said}."


def _against_the_topline(spec: AnswersSpec, block: Block, row: Row, measure: Measure) -> Iterable[str]:
    """At the size that is the nearest to an eighth of the longest prompt."""
    longest = max(part["prompt"] for part in block.records[0].parts)
    sizes = [size for size, cell in row.cells.items() if size is not None and cell.base is not None]
    size = min(sizes, key=lambda size: abs(math.log(8 * size / longest)), default=None)
    if size is None:
        return
    cell = row.cells[size]
    found = cell.above(measure)
    assert found is not None and cell.base is not None
    mine, base = (value(number, spec.decimals) for number in (cell.value(measure), measure.of(cell.base.parts)))
    text = f"{difference(measure, found, spec.decimals)} {unit(measure)}"
    verdict = text if found.is_clear else f"no difference that could be told ({text})"
    yield (
        f"{measure.title} at size {size}, 1/{longest / size:.3g} of the longest prompt ({longest:,} tokens): "
        f"{row.label} {mine}, {spec.topline} {base}, {verdict}."
    )
