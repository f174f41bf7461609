"""The lines below the grids: what they say, and without which they could not be compared with anybody's."""

from collections.abc import Callable

from reattend.report.provenance import origin, pretrained
from reattend.report.sizes.claims import claims
from reattend.report.sizes.numbers import listed, named_texts
from reattend.report.sizes.rows import in_order
from reattend.report.sizes.specification import SizesSpec
from reattend.report.sizes.table import Block, Table


def legend(table: Table) -> list[str]:
    """What the numbers say, then what they are."""
    spec = table.spec
    several = len(table.blocks) > 1
    said = [f"{block.label}: " * several + line for block in table.blocks for line in claims(spec, block)]
    scored = _of_each(table, "Score", lambda block: _scored(spec, block))
    lines = [*said, *scored, *dict.fromkeys(pretrained(record.lm) for record in table.records)]
    lines += _of_each(table, "Keys and values kept", _state)
    lines += _of_each(table, "Where a row does not say", lambda block: "; ".join(block.not_named))
    lines.append(f"Runs: {origin(table.records)}.")
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
    texts = named_texts([text["title"] for text in data["documents"]])
    return (
        f"exp of the mean nats per {data['unit']} over {cell.totals.tokens:,} {data['unit']}s in {len(parts)} "
        f"chunk{'s' * (len(parts) > 1)} of up to {block.context:,} of {data['name']} ({texts}); "
        f"{spec.evaluation}; lower is better"
    )


def _state(block: Block) -> str:
    kept: dict[int | None, int] = {}
    for row in block.rows:
        for size, cell in row.cells.items():
            kept[size] = max(kept.get(size, 0), cell.record.state["kv_bytes"])
    places = {size: "unbounded" if size is None else f"at {size}" for size in in_order(kept)}
    return ", ".join(f"{kept[size] / 1e6:.3g} MB {place}" for size, place in places.items())
