"""The lines below the grids: what was asked of how much of the set, and without which nobody could compare."""

from reattend.report.answers.numbers import CLEAR
from reattend.report.answers.table import Block, Table
from reattend.report.provenance import origin, pretrained


def legend(table: Table) -> list[str]:
    """What the numbers are."""
    spec, first = table.spec, table.blocks[0]
    several = len(table.blocks) > 1
    lines = [f"{measure.title}: {measure.about}." for measure in first.measures]
    for block in table.blocks:
        lines.append(f"{block.label}: " * several + f"{_asked(block)}.")
        if block.not_named:
            lines.append(f"{block.label}: " * several + f"Where a row does not say: {'; '.join(block.not_named)}.")
        if not any(row.policy == spec.topline for row in block.rows):
            lines.append(f"No {spec.topline} here: run it with policy={spec.topline} for what the bound costs.")
    if any(cell.base for block in table.blocks for row in block.rows for cell in row.cells.values()):
        lines.append(
            "Intervals: delete-one jackknife over documents, paired question by question, as questions of one document "
            f"are not independent; {CLEAR}: it leaves out zero; without it no difference is claimed."
        )
    lines += dict.fromkeys(pretrained(record.lm) for record in table.records)
    lines.append(f"Runs: {origin(table.records)}.")
    return [*lines, *spec.published, *spec.notes]


def _asked(block: Block) -> str:
    record = block.records[0]
    data, task, parts = record.data, record.config["task"], record.parts
    published = data["published"]
    whole = ", ".join(f"{data[key]:,} of {count:,} {key}" for key, count in published.items())  # type: ignore[literal-required]
    of = whole or ", ".join(f"{data[key]:,} {key}" for key in ("documents", "questions", "references"))
    cut = sum(part["cut"] > 0 for part in parts)
    context = "never cut" if task["context"] is None else f"cut to {task['context']:,} {data['unit']}s ({cut} were)"
    return (
        f"Asked: {of} of {data['name']} {data['split']} ({data['source']}), the first ones; prompt {task['prompt']}, "
        f"{context}; at most {task['max_new_tokens']} {data['unit']}s an answer, the likeliest one each"
    )
