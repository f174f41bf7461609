"""Ways to a corpus's canonical files."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reattend.data.download import Download
from reattend.data.hub import hub_folder
from reattend.data.store import home


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

    @property
    def _known(self) -> dict[str, int | str]:
        known = {"size": self.size, "md5": self.md5, "sha256": self.sha256}
        return {what: fact for what, fact in known.items() if fact is not None}

    def by_hand(self) -> str:
        facts = ", ".join(f"{what} {fact}" for what, fact in self._known.items())
        return f"place the file as {home() / self.relative}" + f" ({facts})" * bool(facts)

    def path(self) -> Path:
        known: Any = self._known
        return Download(url=self.url, relative=self.relative, setting="data.path", value="null", **known).path()


@dataclass(frozen=True, kw_only=True)
class Files:
    """Single files of one place in the web, kept in a folder of their own."""

    url: str  # of the place, without a slash at its end
    relative: str  # the folder in the cache
    md5: Mapping[str, str]  # by name

    @property
    def where(self) -> str:
        return self.url

    def by_hand(self) -> str:
        return f"place {', '.join(self.md5)} in {home() / self.relative}"

    def path(self) -> Path:
        for name, md5 in self.md5.items():
            Archive(url=f"{self.url}/{name}", relative=f"{self.relative}/{name}", md5=md5).path()
        return home() / self.relative


@dataclass(frozen=True, kw_only=True)
class Hub:
    """Files of a data set of the Hugging Face hub, at a commit where one is named; no script of it is run."""

    repository: str
    patterns: tuple[str, ...]
    revision: str | None = None

    @property
    def where(self) -> str:
        return f"hub {self.repository}"

    def by_hand(self) -> str:
        return ""

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
