"""Ways to a corpus's canonical files."""

from dataclasses import dataclass
from pathlib import Path

from reattend.data.download import Download
from reattend.data.hub import hub_folder


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A file of the web, known by what it holds."""

    url: str
    relative: str  # its path in the cache folder, where it may be placed by hand
    size: int | None = None
    md5: str | None = None
    sha256: str | None = None

    @property
    def where(self) -> str:
        return self.url

    def path(self) -> Path:
        known = {"size": self.size, "md5": self.md5, "sha256": self.sha256}
        return Download(url=self.url, relative=self.relative, setting="data.path", value="null", **known).path()  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Hub:
    """Files of a data set of the Hugging Face hub, at a commit where one is named; no script of it is run."""

    repository: str
    patterns: tuple[str, ...]
    revision: str | None = None

    @property
    def where(self) -> str:
        return f"hub {self.repository}"

    def path(self) -> Path:
        return hub_folder(
            self.repository,
            kind="dataset",
            revision=self.revision,
            patterns=self.patterns,
            setting="data.path",
            value="null",
            instead="Place its files by hand.",
        )
