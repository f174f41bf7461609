"""Local texts as words, from any files: `data=words data.train=[FILE,...] data.valid=FILE data.test=FILE`.

Lines of words separated by blanks, an `<eos>` after each, as WikiText has them. Books (.jsonl, see data=books) are
running text: their paragraphs become such lines, in WikiText's style: Moses tokens, `well @-@ known`, `1 @,@ 000`.
A word that the train files have fewer than `data.rarest` times is `<unk>`.
"""

import functools
import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from reattend.data.books import Books
from reattend.data.packed import plain_name
from reattend.data.parallel.moses import tokenise
from reattend.data.parallel.workers import each_line
from reattend.data.prepared.corpus import Route
from reattend.data.prepared.facts import Facts
from reattend.data.prepared.members import member
from reattend.data.prepared.word_level import WordLevel, decoded
from reattend.data.store import digest
from reattend.settings import SettingError, at_least

_IN_NUMBER = re.compile(r"(?<=\d)([.,])(?=\d)")
_ESCAPED = {
    "&apos;": "'",
    "&quot;": '"',
    "&#91;": "[",
    "&#93;": "]",
    "&#124;": "|",
    "&lt;": "<",
    "&gt;": ">",
    "&amp;": "&",
}


class Words(WordLevel):
    """The record keeps the files' names and checksums, not their folder."""

    licence = "not stated"
    facts = Facts()
    homepage = "its own site"

    def __init__(
        self,
        *,
        train: list[str] | None = None,
        valid: str | None = None,
        test: str | None = None,
        rarest: int = 1,
        context: int,
        batch_size: int,
        valid_limit: int | None = None,
    ) -> None:
        """No `path`: the files are named split by split, and there are no others to compare them with."""
        super().__init__(context=context, batch_size=batch_size, valid_limit=valid_limit)
        at_least("data.rarest", rarest, 1)
        self.rarest = rarest
        self.given = {"train": train, "valid": valid and [valid], "test": test and [test]}
        self.source = ", ".join(Path(file).name for files in self.given.values() for file in files or [])

    def routes(self) -> Sequence[Route]:
        return ()

    def variant(self) -> str:
        key = repr([self.rarest, *([digest(file) for file in self._files(split)] for split in self.given)])
        return hashlib.sha256(key.encode()).hexdigest()[:12]

    def _fetched(self) -> Path:
        return Path()

    def _origin(self, files: Path) -> dict[str, str]:
        return {file.name: digest(file) for split in self.given for file in self._files(split)}

    def _files(self, split: str) -> list[Path]:
        names = self.given[split]
        if not names:
            raise SettingError(f"data.{split}", "null", "the path of a file", f"Add data.{split}=FILE.")
        for name in names:
            if not Path(str(name)).expanduser().is_file():
                raise SettingError(f"data.{split}", name, "an existing file", f"Correct data.{split}.")
        return [Path(str(name)).expanduser() for name in names]

    def lines(self, files: Path, split: str) -> Iterator[str]:
        for file in self._files(split):
            if plain_name(file).endswith(".jsonl"):
                yield from self._of_books(file)
            else:
                with member(file, file.name, setting=f"data.{split}") as stream:
                    yield from decoded(stream, setting=f"data.{split}", value=file, what=file.name)

    @functools.cache  # noqa: B019 - read twice, for the vocabulary and for the numbers
    def _of_books(self, file: Path) -> list[str]:
        found = [" ".join(part.split()) for book in Books(path=str(file)).read() for part in book.text.split("\n\n")]
        return each_line(words_of, [paragraph for paragraph in found if paragraph], label=f"words of {file.name}")


def words_of(paragraph: str) -> str:
    """Running English text as WikiText writes it."""
    tokens = tokenise(paragraph, language="en", aggressive=True)
    for escape, plain in _ESCAPED.items():
        tokens = tokens.replace(escape, plain)
    return _IN_NUMBER.sub(r" @\1@ ", tokens)
