"""The test split of PG-19, 100 books from before 1919 (Rae et al., 1911.05507), from the Hugging Face hub.

`emozilla/pg19-test` holds it as one Parquet file of 24.9 MB: short_book_title, publication_date, url and text.
"""

from collections.abc import Iterator
from pathlib import Path

from reattend.data.documents import Document, Documents, plain
from reattend.data.hub import hub_folder

REPOSITORY = "emozilla/pg19-test"


class Pg19(Documents):
    """Fetched once, then read from the hub's cache."""

    licence = "public domain in the USA; the collection Apache-2.0"

    def __init__(self, *, revision: str, limit: int | None = None) -> None:
        super().__init__(limit=limit)
        self.revision = revision
        self.source = f"{REPOSITORY}@{revision}"

    def prepare(self) -> Path:
        return hub_folder(
            REPOSITORY,
            kind="dataset",
            revision=self.revision,
            patterns=("data/test-*.parquet",),
            setting="data",
            value=self.name,
            instead="Connect to the network once, or take books of your own: data=books data.path=FILE.jsonl.",
        )

    def read(self) -> Iterator[Document]:
        import pyarrow.parquet  # type: ignore[import-untyped]

        for file in sorted((self.prepare() / "data").glob("test-*.parquet")):
            for batch in pyarrow.parquet.ParquetFile(file).iter_batches(4, columns=["short_book_title", "text"]):
                for row in batch.to_pylist():
                    yield Document(row["short_book_title"], plain(row["text"]))
