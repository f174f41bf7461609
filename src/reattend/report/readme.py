"""A README whose tables are made, not typed: the text between two markers is the report's."""

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from reattend.files import atomic
from reattend.records.record import RecordError

BLOCK = re.compile(r"(<!-- report:(?P<table>\S+) -->\n).*?(<!-- /report -->)", re.DOTALL)


def rewrite(page: Path, shown: Mapping[str, tuple[str, Path]], *, known: Collection[str]) -> None:
    """Put each table's (text, picture) between its markers; a table that is not `shown` keeps its block."""
    try:
        text = page.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecordError(page, "no such page", "Set readme to one with report markers") from None
    blocks = [match["table"] for match in BLOCK.finditer(text)]
    if not blocks:
        fix = "Add the lines `<!-- report:TABLE -->` and `<!-- /report -->`"
        raise RecordError(page, "has no block to rewrite", fix)
    for name in blocks:
        if name not in known:
            raise RecordError(page, f"has a block for table {name}", f"Name one of {', '.join(known)}")

    def replaced(match: re.Match[str]) -> str:
        if match["table"] not in shown:
            return match[0]
        content, picture = shown[match["table"]]
        relative = Path(os.path.relpath(picture, page.parent)).as_posix()
        return f"{match[1]}![{match['table']}]({relative})\n\n{content}{match[3]}"

    with atomic(page) as temporary:
        temporary.write_text(BLOCK.sub(replaced, text), encoding="utf-8")
