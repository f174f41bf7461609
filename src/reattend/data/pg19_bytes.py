"""PG-19 (Rae et al., arXiv 1911.05507) to train on, as bytes: book after book, a byte 0 after each.

Line ends are made plain. Scores are bits per byte, and per word by whitespace, so that perplexity per word can be told.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reattend.data.books import Books
from reattend.data.documents import Document
from reattend.data.pg19 import BOOKS, LICENCE, REPOSITORY, REVISION, books_of
from reattend.data.prepared.corpus import Prepared, Route
from reattend.data.prepared.facts import Facts
from reattend.data.prepared.routes import Hub
from reattend.data.prepared.shards import SPLITS, Writer
from reattend.settings import SettingError

END = b"\0"  # in no book
NAMES = dict(zip(SPLITS, BOOKS, strict=True))  # valid is called validation there


class Pg19Bytes(Prepared):
    """`data=pg19_bytes`; or `data.path`: the hub's Parquet files, or books as JSON lines (also .xz, .gz).

    Of one file of books the first 90 % train, the next 5 % validate and the rest test; a folder has a file a split.
    """

    source = "PG-19"
    licence = LICENCE
    files = ("train*", "validation*", "test*")
    homepage = f"https://huggingface.co/datasets/{REPOSITORY}"
    facts = Facts(
        books={split: BOOKS[name] for split, name in NAMES.items()},
        about={"train": 11_600_000_000},  # 1,973,136,207 words of 5.9 bytes, as the test split's are
    )

    def routes(self) -> Sequence[Route]:
        return (Hub(repository=REPOSITORY, patterns=("data/*.parquet",), revision=REVISION),)

    def write(self, files: Path, writer: Writer) -> Mapping[str, Any]:
        for split, books in self._books(files).items():
            count = Counter[str]()
            writer.split(split, _bytes(books, count)).update(count)
        return {}

    def words_of(self, split: str) -> int:
        return int(self.shards.manifest["splits"][split]["words"])

    def _books(self, files: Path) -> dict[str, Iterable[Document]]:
        if files.is_file():
            books = Books(path=str(files)).documents()
            first, second = len(books) * 90 // 100, len(books) * 95 // 100
            if not 0 < first < second < len(books):
                expected = f"20 books at least, to divide them in three; it has {len(books)}"
                raise SettingError("data.path", self.path, expected, "Take a folder with a file a split.")
            return {"train": books[:first], "valid": books[first:second], "test": books[second:]}
        if parquet := sorted(files.rglob("*.parquet")):
            return {split: books_of([f for f in parquet if f.name.startswith(f"{NAMES[split]}-")]) for split in SPLITS}
        return {split: self._lines(files, NAMES[split]) for split in SPLITS}

    def _lines(self, folder: Path, name: str) -> Iterator[Document]:
        found = sorted(folder.glob(f"{name}*.jsonl*"))
        if len(found) != 1:
            expected = f"one file {name}*.jsonl in it, as for each split; it has {len(found)}"
            raise SettingError("data.path", self.path, expected, "Name a folder with a file of books for each split.")
        return Books(path=str(found[0])).read()


def _bytes(books: Iterable[Document], count: Counter[str]) -> Iterator[np.ndarray]:
    for book in books:
        count["books"] += 1
        count["words"] += len(book.text.split())
        yield np.frombuffer(book.text.encode() + END, dtype=np.uint8)
