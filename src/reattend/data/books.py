"""Books from local files, or the one that comes in a package: `data=books data.path=FILE`.

A file is one book, a folder holds one in each of its .txt files, and JSON lines (.jsonl) one in each line, an object
with the text and, if it has one, a title. Files ending in .xz or .gz are unpacked as they are read.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from reattend.data.documents import Document, Documents, plain
from reattend.data.packaged_book import BOTCHAN, botchan
from reattend.data.packed import DAMAGE, plain_name, unpacked
from reattend.settings import SettingError


class Books(Documents):
    """The record keeps the names and checksums of files, not their folder."""

    def __init__(
        self,
        *,
        path: str | None = None,
        text_key: str = "text",
        title_key: str = "short_book_title",
        limit: int | None = None,
    ) -> None:
        super().__init__(limit=limit)
        self.path, self.text_key, self.title_key = path, text_key, title_key
        packaged = path is None
        self.source = f"{BOTCHAN.requirement}: {BOTCHAN.member}" if packaged else Path(str(path)).name
        self.licence = BOTCHAN.licence if packaged else "not stated"

    def prepare(self) -> Path:
        if self.path is None:
            return BOTCHAN.path()
        path = Path(self.path).expanduser()
        if not path.exists():
            raise self.refusal("an existing file or folder", "Correct data.path.")
        return path

    def read(self) -> Iterator[Document]:
        path = self.prepare()
        if self.path is None:
            yield botchan()
        elif path.is_dir():
            files = sorted(path.glob("*.txt"))
            if not files:
                raise self.refusal("a folder with .txt files in it", "Name another folder, or one file.")
            yield from (Document(file.stem, self._text(file)) for file in files)
        elif plain_name(path).endswith(".jsonl"):
            yield from self._lines(path)
        else:
            yield Document(Path(plain_name(path)).stem, self._text(path))

    def _text(self, path: Path) -> str:
        with unpacked(path) as file:
            try:
                return self._decoded(file.read(), where=path.name)
            except DAMAGE as error:
                raise self._damaged(path, error) from None

    def _lines(self, path: Path) -> Iterator[Document]:
        start = 0
        with unpacked(path) as file:
            try:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        yield self._entry(self._decoded(line, where=path.name, start=start), f"line {number}", path)
                    start += len(line)
            except DAMAGE as error:
                raise self._damaged(path, error) from None

    def _entry(self, line: str, number: str, path: Path) -> Document:
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self.refusal(f"JSON lines; {number} of {path.name} is none ({error})", "Repair the file.") from None
        text = entry.get(self.text_key) if isinstance(entry, dict) else None
        if not isinstance(text, str):
            expected = f"JSON objects with a text under {self.text_key!r}; {number} of {path.name} has none"
            raise self.refusal(expected, "Set data.text_key to the key of the text.")
        return Document(str(entry.get(self.title_key) or number), plain(text))

    def _decoded(self, raw: bytes, *, where: str, start: int = 0) -> str:
        """`raw` as text; `start` is its place in the file."""
        try:
            return plain(raw.decode())
        except UnicodeDecodeError as error:
            bad = f"byte {start + error.start} of {where} (0x{raw[error.start]:02x}) is not"
            fix = "Convert the file, for instance by `iconv -f latin1 -t utf-8 FILE`."
            raise self.refusal(f"UTF-8; {bad}", fix) from None

    def _damaged(self, path: Path, error: Exception) -> SettingError:
        return self.refusal(f"a whole {path.suffix} file ({error})", "Fetch or pack it anew.")

    def refusal(self, expected: str, fix: str) -> SettingError:
        return SettingError("data.path", "null" if self.path is None else self.path, expected, fix)
