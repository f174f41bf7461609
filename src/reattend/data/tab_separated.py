"""Sentence pairs of one's own: a text file with two languages a line, separated by a tab; further columns are ignored.

Also packed as .gz, .xz or .zip (one `.txt` or `.tsv` in it besides notes whose names begin with `_`), as the files of
manythings.org/anki are. The splits share no sentence of either language.
"""

import io
import zipfile
from pathlib import Path
from typing import IO, Any

from reattend.data.packed import unpacked
from reattend.data.parallel.corpus import ParallelCorpus
from reattend.data.parallel.splitting import Pairs, split_apart
from reattend.data.store import digest
from reattend.settings import SettingError, at_least


class TabSeparated(ParallelCorpus):
    """`data=tab_separated data.path=FILE data.columns=en-de`; the record keeps the file's name, not its folder."""

    licence = "not stated"

    def __init__(self, *, path: str | None, columns: str, valid: int, test: int, **options: Any) -> None:
        """`columns`: the languages of the first two columns; `valid` and `test`: about how many pairs they hold."""
        super().__init__(**options)
        at_least("data.valid", valid, 1)
        at_least("data.test", test, 1)
        if sorted(columns.split("-")) != sorted(self.recipe.languages):
            expected = f"the languages of data.direction={self.direction} in the order of the file's columns"
            raise SettingError("data.columns", columns, expected, "Correct one of the two.")
        self.path, self.columns, self.sizes = path, columns, {"valid": valid, "test": test}
        self.source = Path(path or "").name

    def fingerprint(self) -> str:
        return f"{digest(self._file())} {self.columns} {self.sizes}"

    def _file(self) -> Path:
        if self.path is None:
            raise SettingError("data.path", "null", "the path of a file", "Add data.path=FILE.")
        path = Path(self.path).expanduser()
        if not path.is_file():
            raise SettingError("data.path", self.path, "an existing file", "Correct data.path.")
        return path

    def raw(self) -> dict[str, Pairs]:
        columns: tuple[list[str], list[str]] = [], []
        try:
            with _opened(self._file()) as file:
                for number, line in enumerate(io.TextIOWrapper(file, encoding="utf-8", newline="\n"), 1):
                    self._add(line.rstrip("\r\n"), number, columns)
        except UnicodeDecodeError as error:
            raise SettingError("data.path", self.path, f"UTF-8 text ({error})", "Convert the file.") from None
        sides = dict(zip(self.columns.split("-"), columns, strict=True))
        pairs = Pairs(*(sides[language] for language in self.recipe.languages))
        return split_apart(pairs, **self.sizes)

    def _add(self, line: str, number: int, columns: tuple[list[str], list[str]]) -> None:
        first, tab, rest = line.partition("\t")
        if not tab:
            raise SettingError("data.path", self.path, f"a tab in line {number}: {line[:40]!r}", "Repair the file.")
        columns[0].append(first.strip())
        columns[1].append(rest.partition("\t")[0].strip())


def _opened(path: Path) -> IO[bytes]:
    if path.suffix != ".zip":
        return unpacked(path)
    archive = zipfile.ZipFile(path)
    names = [name for name in archive.namelist() if name.endswith((".txt", ".tsv")) and not name.startswith("_")]
    if len(names) != 1:
        expected = f"an archive with one text in it; it has {', '.join(names) or 'none'}"
        raise SettingError("data.path", path, expected, "Unpack it and name one file.")
    return archive.open(names[0])
