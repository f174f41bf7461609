"""The lines below the grids: what they say, and without which they could not be compared with anybody's."""

from collections.abc import Callable

from reattend.records.record import EvaluationRecord
from reattend.report.provenance import commit, machine, unique
from reattend.report.sizes.claims import claims
from reattend.report.sizes.numbers import listed
from reattend.report.sizes.specification import SizesSpec
from reattend.report.sizes.table import Block, Table

NAMED = 8  # texts; more are counted


def legend(table: Table) -> list[str]:
    """What the numbers say, then what they are."""
    spec = table.spec
    several = len(table.blocks) > 1
    said = [f"{block.label}: " * several + line for block in table.blocks for line in claims(spec, block)]
    scored = _of_each(table, "Score", lambda block: _scored(spec, block))
    lines = [*said, *scored, *dict.fromkeys(_model(record) for record in table.records)]
    lines += _of_each(table, "Keys and values kept", _state)
    lines += _of_each(table, "Where a row does not say", lambda block: "; ".join(block.not_named))
    lines.append(f"Runs: {unique(map(machine, table.records))}; {unique(map(commit, table.records))}.")
    if any(cell.above and cell.above.interval for block in table.blocks for cell in block.cells):
        lines.append(
            f"% above {spec.topline}: of the ratio of the perplexities; its 95 % t-interval is that of the mean "
            "difference of nats per token, chunk by chunk; one that spans zero leaves the sign open; "
            "× is the ratio itself, from tenfold on."
        )
    for block in table.blocks:
        if not any(row.policy == spec.topline for row in block.rows):
            lines.append(f"No {spec.topline} on this text: run it with policy={spec.topline} for what the bound costs.")
    return [*lines, *spec.notes]


def _of_each(table: Table, what: str, text_of: Callable[[Block], str]) -> list[str]:
    """A line for each text, which names its blocks where others have another."""
    labels: dict[str, list[str]] = {}
    for block in table.blocks:
        labels.setdefault(text_of(block), []).append(block.label)
    several = len(labels) > 1
    return [f"{what}{f' of {listed(of)}' if several else ''}: {text}." for text, of in labels.items() if text]


def _scored(spec: SizesSpec, block: Block) -> str:
    cell = block.cells[0]
    data, parts = cell.record.data, cell.record.parts
    titles = [text["title"] for text in data["documents"]]
    texts = "; ".join(titles) if len(titles) <= NAMED else f"{len(titles)} texts"
    return (
        f"exp of the mean nats per {data['unit']} over {cell.totals.tokens:,} {data['unit']}s in {len(parts)} "
        f"chunk{'s' * (len(parts) > 1)} of up to {block.context:,} of {data['name']} ({texts}); "
        f"{spec.evaluation}; lower is better"
    )


def _model(record: EvaluationRecord) -> str:
    lm = record.lm
    return f"Model: {lm['name']}, {lm['architecture']}, {lm['parameters']:,} parameters, {lm['dtype']}, {lm['source']}."


def _state(block: Block) -> str:
    kept: dict[int | None, int] = {}
    for row in block.rows:
        for size, cell in row.cells.items():
            kept[size] = max(kept.get(size, 0), cell.record.state["kv_bytes"])
    ordered = sorted(kept, key=lambda size: (size is None, size))
    return ", ".join(f"{kept[size] / 1e6:.3g} MB {'unbounded' if size is None else f'at {size}'}" for size in ordered)
