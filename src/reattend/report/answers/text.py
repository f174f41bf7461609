"""A table as Markdown for people and as values for programs. The same records give the same bytes."""

from typing import Any

from reattend.report.answers.claims import claims
from reattend.report.answers.legend import legend
from reattend.report.answers.measures import MEASURES, Measure
from reattend.report.answers.numbers import CLEAR, difference, unit, value
from reattend.report.answers.table import Block, Cell, Row, Table
from reattend.report.estimates import ends
from reattend.report.grid import digits, grid
from reattend.report.sizes.numbers import size_name


def markdown(table: Table) -> str:
    """Title, two grids for each block and measure, what they say, and what they are."""
    lines, several = [f"**{table.spec.title}**", ""], len(table.blocks) > 1
    for block in table.blocks:
        for measure in block.measures:
            lines += [*_values_of(table, block, measure), "", *_differences(table, block, measure)]
    said = [f"{block.label}: " * several + line for block in table.blocks for line in claims(table.spec, block)]
    return "\n".join([*lines, *(f"- {line}" for line in (*said, *legend(table)))]) + "\n"


def _values_of(table: Table, block: Block, measure: Measure) -> list[str]:
    order = "higher" if measure.higher else "lower"
    heading = (
        f"{measure.title[0].upper()}{measure.title[1:]} of **{block.label}** by size of the state, {order} is better:"
    )
    cells = [["policy", *map(size_name, block.sizes), "s/question"]]
    for row in block.rows:
        texts = [_marked(table, block, measure, row, size) for size in block.sizes]
        cells.append([row.label, *texts, f"{_seconds(row):.1f}"])
    return [heading, "", *grid(cells)]


def _marked(table: Table, block: Block, measure: Measure, row: Row, size: int | None) -> str:
    """In bold where it reads as the best of a size does, of several."""
    if size not in row.cells:
        return ""
    text = value(row.cells[size].value(measure), table.spec.decimals)
    rivals = sum(size in other.cells for other in block.rows)
    is_best = size is not None and rivals > 1 and text == value(block.best(measure, size), table.spec.decimals)
    return f"**{text}**" if is_best else text


def _differences(table: Table, block: Block, measure: Measure) -> list[str]:
    rows = [row for row in block.rows if any(cell.base for cell in row.cells.values())]
    if not rows:
        return []
    sizes = [size for size in block.sizes if any(size in row.cells and row.cells[size].base for row in rows)]
    cells = [["above", *map(size_name, sizes)]]
    for row in rows:
        cells.append([row.label, *(_difference(table, measure, row.cells.get(size)) for size in sizes)])
    documents = len({part["document"] for part in block.records[0].parts})
    interval = f" [95 % interval over {documents} documents]" if documents > 1 else ""
    return [f"The same in {unit(measure)} above {table.spec.topline}{interval}:", "", *grid(cells), ""]


def _difference(table: Table, measure: Measure, cell: Cell | None) -> str:
    found = None if cell is None else cell.above(measure)
    if found is None:
        return ""
    return difference(measure, found, table.spec.decimals) + (f" {CLEAR}" if found.is_clear else "")


def _seconds(row: Row) -> float:
    """Of a question, the mean over sizes."""
    times = [cell.record.timing for cell in row.cells.values()]
    total = sum(t["read_seconds"] + t["score_seconds"] + t["write_seconds"] for t in times)
    return total / sum(len(cell.record.parts) for cell in row.cells.values())


def values(table: Table) -> list[dict[str, object]]:
    """Every cell of every block with each of the table's measures, six significant digits."""
    measures = {name: MEASURES[name] for name in table.spec.measures}
    return [
        {"model": block.label, "row": row.label, "size": "" if size is None else size}
        | {key: text for name, measure in measures.items() for key, text in _of(block, cell, name, measure).items()}
        | _about(cell)
        for block in table.blocks
        for row in block.rows
        for size, cell in row.cells.items()
    ]


def _of(block: Block, cell: Cell, name: str, measure: Measure) -> dict[str, str]:
    known = measure in block.measures
    found = cell.above(measure) if known else None
    kind = "ratio" if measure.as_ratio else "difference"
    texts = map(digits, ends(found, as_ratio=measure.as_ratio))
    return {name: digits(cell.value(measure) if known else None)} | {
        f"{name}_{key}": text for key, text in zip((kind, f"{kind}_low", f"{kind}_high"), texts, strict=True)
    }


def _about(cell: Cell) -> dict[str, Any]:
    parts, state = cell.record.parts, cell.record.state
    return {
        "questions": len(parts),
        "documents": len({part["document"] for part in parts}),
        "prompts_cut": sum(part["cut"] > 0 for part in parts),
        "ended": sum(part["ended"] for part in parts),
        "tokens_written": sum(part["written"] for part in parts),
        "entries_per_layer": digits(state["entries_per_layer"]),
        "kv_bytes": state["kv_bytes"],
    }
