"""PG-19, books of Project Gutenberg from before 1919 (Rae et al., arXiv 1911.05507), one split, from the hub.

Its authors report perplexity by word: exp(summed -ln p / words), whatever the tokens, with
1,973,136,207, 3,007,061 and 6,966,499 words of train, validation and test.
`emozilla/pg19` holds the books as Parquet files: short_book_title, publication_date, url and text. Line ends are made
plain, so that bytes are fewer than the original files' (which end lines by two).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from reattend.data.documents import Document, Documents, plain
from reattend.data.hub import hub_folder

BOOKS = {"train": 28_602, "validation": 50, "test": 100}
REPOSITORY, REVISION = "emozilla/pg19", "c021754c8e01c5b1cc83a1f549c1f97fbbb756b8"  # of October 2023
TEST_ONLY = "emozilla/pg19-test"  # the same file, without the others
LICENCE = "public domain in the USA; the collection Apache-2.0"


class Pg19(Documents):
    """Fetched once, then read from the hub's cache."""

    licence = LICENCE

    def __init__(
        self, *, revision: str, split: Literal["train", "validation", "test"] = "test", limit: int | None = None
    ) -> None:
        """`revision`: of the repository with the test split alone."""
        super().__init__(limit=limit)
        self.split = split
        self.repository, self.revision = (TEST_ONLY, revision) if split == "test" else (REPOSITORY, REVISION)
        self.source = f"{self.repository}@{self.revision}" + ("" if split == "test" else f" {split}")

    def prepare(self) -> Path:
        return hub_folder(
            self.repository,
            kind="dataset",
            revision=self.revision,
            patterns=(f"data/{self.split}-*.parquet",),
            setting="data",
            value=self.name,
            instead="Connect to the network once, or take books of your own: data=books data.path=FILE.jsonl.",
        )

    def read(self) -> Iterator[Document]:
        yield from books_of(sorted((self.prepare() / "data").glob(f"{self.split}-*.parquet")))

    def documents(self) -> list[Document]:
        found = super().documents()
        if self.limit is None and len(found) != BOOKS[self.split]:
            expected = f"the {BOOKS[self.split]:,} books of the {self.split} split; there are {len(found):,}"
            raise self.refusal(expected, "Remove the damaged copy from the hub's cache and fetch it anew.")
        return found


def books_of(files: Sequence[Path]) -> Iterator[Document]:
    """The books of Parquet files, a few in memory at once."""
    import pyarrow.parquet  # type: ignore[import-untyped]

    for file in files:
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(4, columns=["short_book_title", "text"]):
            for row in batch.to_pylist():
                yield Document(row["short_book_title"], plain(row["text"]))
