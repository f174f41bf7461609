"""The finished parts of an evaluation under way: one line each in a file that is only added to.

A part is a chunk of text that was scored, or a batch of sentences that was translated. The file's first line says what
they belong to, so that a run goes on only with the texts and the model it began with.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reattend.settings import Stop

FILE = "parts.jsonl"


class Interrupted(Stop):
    """The user asked the run to stop; what it finished is kept."""

    exit_code = 130
    ends_sweep = True

    def __init__(self, name: str, finished: int, parts: int, *, what: str) -> None:
        after = f"stopped after {finished} of {parts} {what}"
        super().__init__(f"{name}: {after}; the same command goes on with the next, from its beginning.")


class Unfinished:
    """That file, in a run's folder."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], *, fresh: bool) -> None:
        self.path = folder / FILE
        self.identity = json.loads(json.dumps(identity))
        self.parts: list[Any] = []
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

    def add(self, part: Mapping[str, Any]) -> None:
        """Keep a finished part."""
        self.parts.append(part)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(part) + "\n")

    def find(self, **wanted: Any) -> Any:
        """The part that has these values, if it is finished; else None."""
        return next((part for part in self.parts if all(part[key] == value for key, value in wanted.items())), None)


def forget(folder: Path) -> None:
    """The record is written: nothing is left to go on from."""
    (folder / FILE).unlink()
