"""WikiText (Merity et al., arXiv 1609.07843): Wikipedia's good and featured articles as words.

Lines read ` = Title = `; blank ones are lines too, and give an `<eos>` each. The archives of the authors' first site
are gone since 2024; the second serves them still, and the hub has the same lines as Parquet files.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from reattend.data.prepared.corpus import Route
from reattend.data.prepared.routes import Archive, Hub
from reattend.data.prepared.shards import SPLITS
from reattend.data.prepared.word_level import WordLevel

HUB, REVISION = "Salesforce/wikitext", "b08601e04326c79dfdd32d625aee71d232d685c3"  # of January 2024
SITE = "https://wikitext.smerity.com"
LICENCE = "CC BY-SA 3.0 and GFDL"


def routes(config: str, *, md5: str | None = None) -> Sequence[Route]:
    """The archive `config`.zip of the authors' site, then the hub's files."""
    archive = Archive(url=f"{SITE}/{config}.zip", relative=f"archives/wikitext/{config}.zip", md5=md5)
    return archive, Hub(repository=HUB, patterns=(f"{config}/*.parquet",), revision=REVISION)


class WikitextWords(WordLevel):
    """Both sizes, with rare words as `<unk>` already."""

    licence = LICENCE
    files = ("wiki.train*.tokens", "wiki.valid*.tokens", "wiki.test*.tokens")
    homepage = SITE
    config: str  # of the hub, and the archive's name
    archive_md5: str | None = None

    def routes(self) -> Sequence[Route]:
        return routes(self.config, md5=self.archive_md5)

    def sources(self, files: Path) -> list[Path]:
        return all_parquet(files, self.config) or super().sources(files)

    def lines(self, files: Path, split: str) -> Iterator[str]:
        parquet = parquet_of(files, self.config, split)
        return parquet_lines(parquet) if parquet else super().lines(files, split)

    def checksum(self, files: Path, split: str) -> dict[str, str]:
        return {} if parquet_of(files, self.config, split) else super().checksum(files, split)


def parquet_of(files: Path, config: str, split: str) -> list[Path]:
    """The hub's files of a split, if it is those that lie there: in a folder of that configuration, or in no other."""
    if not files.is_dir():
        return []
    found = sorted(files.rglob(f"{'validation' if split == 'valid' else split}-*.parquet"))
    return [file for file in found if file.parent.name in (config, files.name)]


def all_parquet(files: Path, config: str) -> list[Path]:
    """Those of every split."""
    return [file for split in SPLITS for file in parquet_of(files, config, split)]


def parquet_lines(files: Sequence[Path]) -> Iterator[str]:
    """A row is a line."""
    import pyarrow.parquet  # type: ignore[import-untyped]

    for file in files:
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(10_000, columns=["text"]):
            yield from batch.column("text").to_pylist()
