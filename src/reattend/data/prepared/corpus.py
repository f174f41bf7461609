"""A published corpus: canonical source -> verified files -> token shards in the user's cache, made once.

`data.path` names files placed by hand instead: the archive, a folder with its files, or the file. What comes out must
have the counts that others report, whatever the way: else it is refused, or with `data.allow_mismatch=true` used and
recorded as such.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from reattend.data.corpus import Corpus, Splits
from reattend.data.prepared.facts import Facts
from reattend.data.prepared.members import files_of
from reattend.data.prepared.shards import Shards, Writer, adopt, finished, prepare
from reattend.data.store import digest, home
from reattend.settings import SettingError

BYTES = 256  # the vocabulary of a corpus of bytes


class Route(Protocol):
    """One way to a corpus's files: an archive of the web, or files of the hub."""

    @property
    def where(self) -> str: ...

    def by_hand(self) -> str:
        """What a user without network can do, if anything, as the middle of a sentence."""

    def path(self) -> Path:
        """The verified file or folder, fetched if it is not there yet, or a SettingError."""


class Prepared(Corpus):
    """`files` are the shapes of its files' names; `facts` what must come out."""

    facts = Facts()
    files: tuple[str, ...]
    homepage: str  # where its archive can be had by hand

    def __init__(self, *, path: str | None = None, allow_mismatch: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.path, self.allow_mismatch = path, allow_mismatch

    @abstractmethod
    def routes(self) -> Sequence[Route]:
        """The ways to the canonical files, in the order they are tried."""

    @abstractmethod
    def write(self, files: Path, writer: Writer) -> Mapping[str, Any]:
        """The splits of what lies in `files`; what it returns the manifest says too."""

    def variant(self) -> str:
        """Names what options make of the tokens: each variant is prepared apart."""
        return "tokens"

    def published(self) -> Facts | None:
        return None if self.allow_mismatch else self.facts

    def prepare(self) -> Path:
        return self.shards.folder

    @cached_property
    def shards(self) -> Shards:
        """Opened, and made before if need be."""
        shards = self._made()
        if (wrong := shards.manifest.get("mismatch")) and not self.allow_mismatch:
            raise self._other(wrong)
        return shards

    def load(self) -> Splits:
        return self.shards.splits()

    def identity(self) -> dict[str, Any]:
        """What the manifest says: nothing is read again."""
        manifest = self.shards.manifest
        kept = ("sha256", "splits", "files", "mismatch")
        source = self.source if self.path is None else f"{self.source}, from {Path(self.path).name}"
        named = {"name": self.name, "unit": self.unit, "source": source, "licence": self.licence}
        self.splits()  # refuses a context that a split is too short for
        return named | {key: manifest[key] for key in kept if key in manifest}

    def describe(self) -> str:
        manifest, shown = self.shards.manifest, {"tokens": f"{self.unit}s", "unknown": "of them <unk>"}
        lines = [*self.heading(), f"  sha256   {manifest['sha256']}", f"  words    {self.vocabulary:,} different ones"]
        if self.vocabulary == BYTES:
            lines.pop()
        for split, found in manifest["splits"].items():
            counts = [f"{n:,} {shown.get(what, what)}" for what, n in found.items() if isinstance(n, int)]
            lines.append(f"  {split:<8} {', '.join(counts)}")
        lines += [f"  file     {file}, sha256 {sha256}" for file, sha256 in manifest["files"].items()]
        return "\n".join([*lines, f"  checked  {self._verdict(manifest.get('mismatch'))}"])

    def _verdict(self, mismatch: str | None) -> str:
        if mismatch:
            return f"NOT as published: {mismatch}"
        return "nothing is published to compare with" if self.facts == Facts() else "as published"

    def _made(self) -> Shards:
        folder = home() / "corpora" / self.name
        published = finished(folder / self.variant())
        if self.path is None:
            return published or prepare(folder / self.variant(), lambda writer: self._write(self._fetched(), writer))
        given = self._given()
        origin = self._origin(given)
        if published and published.manifest["files"] == origin:
            return published
        key = hashlib.sha256(repr(sorted(origin.items())).encode()).hexdigest()[:12]
        made = prepare(folder / f"{self.variant()}-{key}", lambda writer: self._write(given, writer))
        if "mismatch" in made.manifest or published or self.facts == Facts():
            return made
        return adopt(made, folder / self.variant())  # it is the published one: found without data.path from now on

    def _given(self) -> Path:
        path = Path(str(self.path)).expanduser()
        if not path.exists():
            raise SettingError("data.path", self.path, "an existing file or folder", "Correct data.path.")
        return path

    def _fetched(self) -> Path:
        reasons, places = [], []
        for route in self.routes():
            try:
                return route.path()
            except SettingError as refusal:  # its cause is the network's; without one, what came was not what should
                reason = str(refusal.__cause__ or refusal).strip().partition("\n")[0]
                reasons.append(f"{route.where}: {reason}")
                places += [route.by_hand()] if route.by_hand() else []
        expected = f"a way to {self.source} ({'; '.join(reasons)})"
        ways = " or ".join(["Connect to the network once,", *(f"{place}," for place in dict.fromkeys(places))])
        raise SettingError("data", self.name, expected, f"{ways} or add data.path=FILE_OR_FOLDER.")

    def sources(self, files: Path) -> list[Path]:
        """The files on disk that `write` reads: they tell one source from another."""
        return sorted({path for pattern in self.files for path in files_of(files, pattern)})

    def _origin(self, files: Path) -> dict[str, str]:
        return {path.name: digest(path) for path in self.sources(files)}

    def _write(self, files: Path, writer: Writer) -> dict[str, Any]:
        more = dict(self.write(files, writer))
        wrong = self._mismatch(writer.splits | {"": more})
        if wrong and not self.allow_mismatch:  # nothing is left of it
            raise self._other(wrong, fetched=None if self.path else files)
        about = {"name": self.name, "source": self.source, "licence": self.licence, "files": self._origin(files)}
        return about | more | ({"mismatch": wrong} if wrong else {})

    def _mismatch(self, found: Mapping[str, Mapping[str, Any]]) -> str:
        """Where the counts are not those of the facts, in words; empty if nowhere."""
        wrong = []
        for what in ("tokens", "lines", "words", "books", "md5"):
            for split, wanted in getattr(self.facts, what).items():
                if (have := found[split].get(what, wanted)) != wanted:
                    wrong.append(f"{_spelt(have)} {what} of {split or 'the file'} instead of {_spelt(wanted)}")
        if self.facts.vocabulary not in (None, have := found[""].get("vocabulary")) and have is not None:
            wrong.append(f"a vocabulary of {have:,} instead of {self.facts.vocabulary:,}")
        return ", ".join(wrong)

    def _other(self, wrong: str, *, fetched: Path | None = None) -> SettingError:
        expected = f"{self.source} as published; it has {wrong}"
        again = f"Remove {fetched} and try again from another network" if fetched else "Get the whole of it"
        fix = f"{again} (it is at {self.homepage}), or set data.allow_mismatch=true: the record will say so."
        return SettingError("data.path", self.path or "null", expected, fix)


def _spelt(fact: int | str) -> str:
    return f"{fact:,}" if isinstance(fact, int) else fact
