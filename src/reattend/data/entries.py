"""The entries of a JSON file that `data.path` names: whatever is wrong with it is one message."""

import json
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from reattend.data.base import Data
from reattend.data.packed import DAMAGE, OPEN, unpacked
from reattend.settings import SettingError

T = TypeVar("T", str, list[Any], int, bool)
SPELLED = {str: "text", list: "a list", int: "a whole number", bool: "true or false"}


class Malformed(Exception):  # noqa: N818 - what is missing is its message
    """An entry of a file is not as its source has it."""


class Entries(Data):
    """Data that is read entry by entry."""

    path: str | None  # None: fetched

    @abstractmethod
    def read(self) -> Iterator[Any]:
        """What the entries hold."""

    def placed(self, *names: str) -> Path:
        """What `data.path` names: a file, or the first of these, packed or not, in a folder."""
        path = Path(str(self.path)).expanduser()
        if not path.exists():
            raise self.refusal("an existing file or folder", "Correct data.path.")
        if not path.is_dir():
            return path
        for file in (path / (name + end) for name in names for end in ("", *OPEN)):
            if file.is_file():
                return file
        raise self.refusal(f"a folder with {' or '.join(names)} in it", "Name another folder, or the file.")

    def lines(self, path: Path) -> Iterator[tuple[str, Any]]:
        """Where an entry stands, and the entry, of each of the JSON lines of a file."""
        with unpacked(path) as file:
            try:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        where = f"line {number} of {path.name}"
                        yield where, self.parsed(line, where)
            except DAMAGE as error:
                raise self.refusal(f"a whole {path.suffix} file ({error})", "Fetch or pack it anew.") from None

    def parsed(self, text: bytes | str, where: str) -> Any:
        """A JSON text as Python's objects."""
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:  # bytes that are no UTF-8 are a ValueError as well
            raise self.refusal(f"JSON; {where} is none ({error})", "Fetch it anew, or repair it.") from None

    @contextmanager
    def entry(self, where: str) -> Iterator[None]:
        """Reading one entry: what it lacks is the user's to mend."""
        try:
            yield
        except Malformed as lacks:
            fix = f"Take the file that {self.name} publishes."
            raise self.refusal(f"the layout of {self.name}; {where} has {lacks}", fix) from None

    def refusal(self, expected: str, fix: str) -> SettingError:
        """The error for a file that is not as it should be."""
        return SettingError("data.path", "null" if self.path is None else self.path, expected, fix)


def texts(entry: Any, key: str) -> list[str]:
    """The list of texts under an entry's key."""
    value = take(entry, key, list)
    if not all(isinstance(text, str) for text in value):
        raise Malformed(f"something else than texts in {key!r}")
    return value


def take(entry: Any, key: str, kind: type[T]) -> T:
    """The value of an entry's key, which must be there and of that kind."""
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, kind):
        raise Malformed(f"no {key!r} ({SPELLED[kind]})")
    return value
