"""A table as Markdown for people and as values for programs; the same records give the same bytes."""

import math

from reattend.records.stories import VERDICTS
from reattend.report.estimates import ends, factor, plus_minus
from reattend.report.grid import EMPTY, digits, grid
from reattend.report.proportions import wilson
from reattend.report.statistics import Estimate
from reattend.report.stories.legend import legend
from reattend.report.stories.numbers import MEASURES, Block, Judged, Measure, Table, Version
from reattend.report.stories.specification import PublishedStories
from reattend.report.variants.cells import difference, signed


def markdown(table: Table) -> str:
    """Title, the grids of each block, what they say, what they are, and the papers' numbers."""
    lines = [f"**{table.spec.title}**", ""]
    for block in table.blocks:
        lines += [*_own(block), "", *_differences(table, block), *_judged(block)]
    lines += [f"- {line}" for line in legend(table)]
    for paper in table.spec.published:
        lines += ["", *_published(paper)]
    return "\n".join(lines) + "\n"


def _own(block: Block) -> list[str]:
    heading = ["version", "stories", "ended", "untouched", *(measure.title for measure in MEASURES)]
    cells = [heading, *([one.label, *_counts(one), *(_cell(one, m) for m in MEASURES)] for one in block.versions)]
    return [f"Stories of **{block.label}**, means ± standard deviations over stories:", "", *grid(cells)]


def _counts(version: Version) -> list[str]:
    untouched = str(version.count("untouched")) if version.bounded else EMPTY
    return [str(len(version.record.stories)), str(version.count("ended")), untouched]


def _cell(version: Version, measure: Measure) -> str:
    found = version.compared(measure).own
    if found is None or not measure.log:
        return plus_minus(found, decimals=measure.decimals)
    return f"{math.exp(found.mean):.{measure.decimals}f}"


def _differences(table: Table, block: Block) -> list[str]:
    versions = [version for version in block.versions if version.topline]
    if not versions:
        return []
    cells = [["measure", *(version.label for version in versions)]]
    for measure in MEASURES:
        found = [version.compared(measure).difference for version in versions]
        cells.append([measure.title, *(_difference(one, measure) for one in found)])
    heading = f"Difference to {table.spec.topline}, story by story [95 % interval]:"
    return [heading, "", *grid(cells), ""]


def _difference(found: Estimate | None, measure: Measure) -> str:
    return factor(found) if measure.log else difference(found, max(1, measure.decimals))


def _judged(block: Block) -> list[str]:
    if not block.judged:
        return []
    cells = [["version", "against", "judge", "judged", *("won", "tie", "lost"), "lead", "missing", "dropped"]]
    for one in block.judged:
        shares = [_share(count, one.counted) for count in (one.won, one.tied, one.lost)]
        counts = [str(one.count("missing")), str(one.record.dropped["pairs"])]
        cells.append([one.first, one.second, one.record.judge["model"], str(one.counted), *shares, _lead(one), *counts])
    return [f"Pairs of **{block.label}** before a judge, in % [95 % interval]:", "", *grid(cells), ""]


def _share(count: int, of: int) -> str:
    if not of:
        return EMPTY
    low, high = wilson(count, of)
    return f"{100 * count / of:.0f} [{100 * low:.0f}, {100 * high:.0f}]"


def _lead(judged: Judged) -> str:
    return EMPTY if judged.lead is None else signed(*judged.lead, 2)


def _published(paper: PublishedStories) -> list[str]:
    heading = (
        f"Published for **{paper.model}** ({paper.source}; {paper.task}). Another model and other stories than ours: "
        "compare the order of the rows, not the digits."
    )
    cells = [["version", "tokens", f"won against {paper.against}, %", "tie, %", "lost, %"]]
    for version in dict.fromkeys([*paper.tokens, *paper.judged]):
        tokens = f"{paper.tokens[version]:,.0f}" if version in paper.tokens else ""
        cells.append([version, tokens, *(f"{share:g}" for share in paper.judged.get(version, [])), *[""] * 3][:5])
    return [heading, "", *grid(cells), *([""] * bool(paper.notes)), *(f"- {note}" for note in paper.notes)]


def values(table: Table) -> list[dict[str, object]]:
    """Every measure of every version and every judgement, six significant digits; what does not apply is empty."""
    rows: list[dict[str, object]] = []
    for block in table.blocks:
        rows += [_measured(block, version, measure) for version in block.versions for measure in MEASURES]
        rows += [_counted(block, one, verdict) for one in block.judged for verdict in VERDICTS]
    return rows


def _measured(block: Block, version: Version, measure: Measure) -> dict[str, object]:
    found = version.compared(measure)
    mean = found.own.mean if found.own else None
    deviation = found.own.deviation if found.own and not measure.log else None
    shown = math.exp(mean) if mean is not None and measure.log else mean
    difference_to, low, high = ends(found.difference, as_ratio=measure.log)
    against = "" if version.topline is None else version.topline.name
    return _row(block, version.label, against, measure.name, len(version.record.stories)) | {
        "value": digits(shown),
        "sd": digits(deviation),
        "compared_by": "ratio" if measure.log else "difference",
        "to_other": digits(difference_to),
        "low": digits(low),
        "high": digits(high),
    }


def _counted(block: Block, judged: Judged, verdict: str) -> dict[str, object]:
    count, of = judged.count(verdict), len(judged.record.comparisons) if verdict == "missing" else judged.counted
    low, high = wilson(count, of) if of else (None, None)
    return _row(block, judged.first, judged.second, f"{judged.record.judge['model']}: {verdict}", of) | {
        "value": count,
        "sd": "",
        "compared_by": "share",
        "to_other": digits(count / of if of else None),
        "low": digits(low),
        "high": digits(high),
    }


def _row(block: Block, version: str, against: str, what: str, n: int) -> dict[str, object]:
    return {"model": block.label, "version": version, "against": against, "what": what, "n": n}
