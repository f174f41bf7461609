"""Sentences of one's own to translate, a line each, beside their references: `data=lines data.source=FILE`.

Files ending in .gz or .xz are unpacked as they are read; of .sgm, .sgml and .xml test sets (WMT, IWSLT) the segments
`<seg>` are the lines. `-` is standard input.
"""

import html
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from reattend.data.base import Data
from reattend.data.packed import DAMAGE, unpacked
from reattend.settings import SettingError

STDIN = "-"
SEGMENTS = (".sgm", ".sgml", ".xml")
SEGMENT = re.compile(r"<seg\b[^>]*>(.*?)</seg>", re.DOTALL | re.IGNORECASE)


class Lines(Data):
    """The record keeps the names and checksums of files, not their folder."""

    licence = "not stated"

    def __init__(
        self,
        *,
        source: str,
        reference: str | None = None,
        title: str | None = None,
        direction: str | None = None,
        empty: Literal["keep", "drop"] = "keep",
        too_long: Literal["cut", "drop"] = "cut",
    ) -> None:
        self.files = {"source": source} | ({} if reference is None else {"reference": reference})
        # what tables call the test set
        self.title = title or ("standard input" if source == STDIN else Path(source).name.partition(".")[0])
        self.direction, self.empty, self.too_long = direction, empty, too_long
        self.source = " and ".join("standard input" if f == STDIN else Path(f).name for f in self.files.values())
        if list(self.files.values()).count(STDIN) > 1:
            raise SettingError("data.reference", STDIN, "a file, as the sources come from standard input", "Name one.")

    def prepare(self) -> Path:
        for side, file in self.files.items():
            if file != STDIN and not Path(file).expanduser().is_file():
                raise SettingError(f"data.{side}", file, "an existing file", f"Correct data.{side}.")
        return Path(self.files["source"]).expanduser()

    def read(self) -> tuple[list[str], list[str] | None]:
        """The sentences and, where there are any, as many references; blanks around a line are no part of it."""
        self.prepare()
        sides = {side: list(_lines(f"data.{side}", file)) for side, file in self.files.items()}
        source, reference = sides["source"], sides.get("reference")
        if not source:
            raise SettingError("data.source", self.files["source"], "at least one line", "Choose another file.")
        if reference is not None and len(reference) != len(source):
            shorter, longer = sorted(sides, key=lambda side: len(sides[side]))
            alone = f"line {len(sides[shorter]) + 1} of data.{longer} ({sides[longer][len(sides[shorter])][:40]!r})"
            counts = f"{len(source):,} sources, {len(reference):,} references"
            expected = f"a reference for each line: {counts}; {alone} has no partner"
            raise SettingError("data.reference", self.files["reference"], expected, "Give files of one test set.")
        return source, reference

    def describe(self) -> str:
        source, reference = self.read()
        empty = sum(not line for line in source)
        lines = f"{len(source):,} lines, {empty:,} of them empty" + ", without references" * (reference is None)
        return "\n".join([*self.heading(), f"  lines    {lines}"])


def _lines(setting: str, file: str) -> Iterator[str]:
    plain = file.removesuffix(".gz").removesuffix(".xz")
    if plain.endswith(SEGMENTS):
        text = "\n".join(_decoded(setting, file))
        yield from (" ".join(html.unescape(segment).split()) for segment in SEGMENT.findall(text))
    else:
        yield from (line.strip() for line in _decoded(setting, file))


def _decoded(setting: str, file: str) -> Iterator[str]:
    """The lines of a file as text; only a line feed ends one, not all that Unicode calls a line end."""
    whole = _bytes(setting, file).removeprefix(b"\xef\xbb\xbf")
    for number, line in enumerate(whole.removesuffix(b"\n").split(b"\n") if whole else [], 1):
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            bad = f"byte {error.start + 1} of line {number} (0x{line[error.start]:02x}) is not"
            fix = "Convert the file, for instance by `iconv -f latin1 -t utf-8 FILE`."
            raise SettingError(setting, file, f"UTF-8; {bad}", fix) from None


def _bytes(setting: str, file: str) -> bytes:
    if file == STDIN:
        if sys.stdin.isatty():
            print("Reading lines to translate; Ctrl-D ends them.", file=sys.stderr)
        return sys.stdin.buffer.read()
    path = Path(file).expanduser()
    try:
        with unpacked(path) as whole:
            return whole.read()
    except DAMAGE as error:
        raise SettingError(setting, file, f"a whole {path.suffix} file ({error})", "Fetch or pack it anew.") from None
