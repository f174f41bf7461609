"""Ways to a corpus's canonical files."""

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
