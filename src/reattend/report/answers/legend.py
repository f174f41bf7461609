"""The lines below the grids: what was asked of how much of the set, and without which nobody could compare."""

from reattend.records.answers import AnswersRecord
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
    data, task = record.data, record.config["task"]
    mismatch, published = data.get("mismatch"), data["published"]
    whole = not mismatch and ", ".join(f"{data[key]:,} of {count:,} {key}" for key, count in published.items())  # type: ignore[literal-required]
    of = whole or ", ".join(f"{data[key]:,} {key}" for key in ("documents", "questions", "references"))
    source = f"{data['source']}: {mismatch}" if mismatch else data["source"]
    name = f"{data['name']} {data['split']}"
    name = f"a file that is not {name} as published" if mismatch else name
    return (
        f"Asked: {of} of {name} ({source}), the first ones; prompt {task['prompt']}, "
        f"{_context(block)}; at most {task['max_new_tokens']} {data['unit']}s an answer, the likeliest one each"
    )


def _context(block: Block) -> str:
    """To how many tokens prompts were cut, and how many that shortened: what a smaller size cuts is another matter."""
    task, unit = block.records[0].config["task"], block.records[0].data["unit"]
    if task["context"] is None:
        return "never cut"
    reading = (record for record in block.records if _reads(record, task["context"]))
    counts = (f" ({sum(part['cut'] > 0 for part in record.parts)} were)" for record in reading)
    return f"cut to {task['context']:,} {unit}s{next(counts, '')}"


def _reads(record: AnswersRecord, context: int) -> bool:
    """Whether its prompts have up to `context` tokens, and not just as many as its state."""
    size = record.config["policy"].get("size")
    return size is None or size >= context or any(part["prompt"] > size for part in record.parts)
