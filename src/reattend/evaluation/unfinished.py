"""The finished chunks of an evaluation under way: one line each in a file that is only added to.

Its first line says what they belong to, so that a run goes on only with the texts and the model it began with.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reattend.records.record import Part

FILE = "parts.jsonl"


class Unfinished:
    """That file, in a run's folder."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], *, fresh: bool) -> None:
        self.path = folder / FILE
        self.identity = json.loads(json.dumps(identity))
        self.parts: list[Part] = []
        if self.path.exists() and not fresh:
            self._read()
        if not self.parts:
            self.path.write_text(json.dumps(self.identity) + "\n", encoding="utf-8")

    def _read(self) -> None:
        first, *others = self.path.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
        whole = [line for line in others if line.endswith("\n")]  # a killed process may leave half a line
        if first == json.dumps(self.identity) + "\n":
            self.parts = [json.loads(line) for line in whole]
            self.path.write_text("".join([first, *whole]), encoding="utf-8")

    def add(self, part: Part) -> None:
        """Keep a finished chunk."""
        self.parts.append(part)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(part) + "\n")

    def find(self, document: str, start: int) -> Part | None:
        """The chunk that begins there, if it is finished."""
        return next((p for p in self.parts if p["document"] == document and p["start"] == start), None)


def forget(folder: Path) -> None:
    """The record is written: nothing is left to go on from."""
    (folder / FILE).unlink()
