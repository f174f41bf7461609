"""What models write, on disk: JSON lines beside the record, and the one object that ZeroSCROLLS' leaderboard takes."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reattend.data.store import digest
from reattend.evaluation.base import ANEW
from reattend.files import atomic
from reattend.records import AnswersRecord
from reattend.records.record import TextFile
from reattend.settings import SettingError


def file_of(results: Path, name: str) -> Path:
    """Where the texts of a record lie."""
    return results / "predictions" / f"{name}.jsonl"


def save(results: Path, name: str, lines: Iterable[Mapping[str, Any]]) -> TextFile:
    """One line each, beside the record of that name."""
    path = file_of(results, name)
    with atomic(path) as temporary:
        temporary.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return {"name": path.name, "sha256": digest(path)}


def refuse_unwritable(output: str | None) -> None:
    """Told before anything is done: where the file that `output` names could not be written."""
    if output is None:
        return
    path = Path(output).expanduser()
    if path.is_dir():
        raise SettingError("output", output, "a file; this is a folder", "Name a file in it.")
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise SettingError("output", output, f"a place that can be written; {folder} bars it", "Name another.")


def leaderboard(record: AnswersRecord, path: Path, output: Path) -> None:
    """{id: answer} of a finished run, whose answers lie in `path`."""
    if not path.is_file() or digest(path) != record.predictions["sha256"]:
        expected = f"the answers of the record {record.name} in {path}, unchanged"
        raise SettingError("output", output, expected, ANEW)
    answers = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    with atomic(output) as temporary:
        found = {answer["id"]: answer["prediction"] for answer in answers}
        temporary.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
