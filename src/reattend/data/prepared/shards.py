"""Tokens on disk: a folder with one file of numbers a split and a manifest, written once, opened as memory maps.

train.bin valid.bin test.bin   unsigned integers of 1, 2 or 4 bytes, little-endian
words.txt                      of word-level corpora: a word a line, by rank
manifest.json                  counts, checksums and origin; written last, so that a folder that has it is whole
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from reattend.data.store import unusable
from reattend.files import atomic

SPLITS = ("train", "valid", "test")
FORMAT = 1
MANIFEST, WORDS = "manifest.json", "words.txt"


@dataclass(frozen=True)
class Shards:
    """A finished folder."""

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / MANIFEST).read_text(encoding="utf-8")))

    def splits(self) -> dict[str, np.ndarray]:
        """[n] tokens of each split; nothing is read before it is asked for."""
        kind = np.dtype(self.manifest["dtype"])
        return {
            split: np.memmap(self.folder / f"{split}.bin", dtype=kind, mode="r", shape=(found["tokens"],))
            for split, found in self.manifest["splits"].items()
        }

    def words(self) -> list[str]:
        """The vocabulary of a word-level corpus, by rank."""
        return (self.folder / WORDS).read_text(encoding="utf-8").split("\n")[:-1]


def finished(folder: Path) -> Shards | None:
    """What an earlier preparation left, if it is whole and of this format."""
    shards = Shards(folder)
    if not (folder / MANIFEST).exists() or shards.manifest.get("format") != FORMAT:
        return None
    size = np.dtype(shards.manifest["dtype"]).itemsize
    for split, found in shards.manifest["splits"].items():
        file = folder / f"{split}.bin"
        if not file.exists() or file.stat().st_size != found["tokens"] * size:
            return None
    return shards


def prepare(folder: Path, write: Callable[["Writer"], Mapping[str, Any]]) -> Shards:
    """The folder as `write` fills it, once: a second process waits; after a failure nothing is left.

    `write` returns what the manifest says beyond the counts and checksums of the splits.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_name(folder.name + ".lock")):
            return finished(folder) or _filled(folder, write)  # another process made it while this one waited
    except OSError as problem:
        raise unusable(problem, need="the tokens of the corpus") from problem


def adopt(made: Shards, folder: Path) -> Shards:
    """`made` in the place of `folder`, unless that is whole."""
    with filelock.FileLock(folder.with_name(folder.name + ".lock")):
        if (there := finished(folder)) is None:
            shutil.rmtree(folder, ignore_errors=True)
            made.folder.rename(folder)
    return there or Shards(folder)


def _filled(folder: Path, write: Callable[["Writer"], Mapping[str, Any]]) -> Shards:
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)  # what a killed process left
    part.mkdir()
    try:
        writer = Writer(part)
        manifest = {"format": FORMAT, **write(writer), **writer.found()}
        with atomic(part / MANIFEST) as temporary:
            temporary.write_text(json.dumps(manifest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # of another format, or damaged
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return Shards(folder)


class Writer:
    """Writes splits in the order train, valid, test; checksums are taken on the way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.splits: dict[str, dict[str, Any]] = {}
        self._whole = hashlib.sha256()
        self._kind = np.dtype(np.uint8)

    def split(self, name: str, pieces: Iterable[np.ndarray], *, kind: Any = np.uint8, **counts: int) -> dict[str, Any]:
        """One split from its pieces, in little memory however long it is; `counts` go into the manifest as well."""
        self._kind, own, tokens = np.dtype(kind), hashlib.sha256(), 0
        with (self.folder / f"{name}.bin").open("wb") as out:
            for piece in pieces:
                data = np.ascontiguousarray(piece, dtype=self._kind).data
                out.write(data)
                own.update(data)
                self._whole.update(data)
                tokens += len(piece)
        self.splits[name] = {"tokens": tokens, "sha256": own.hexdigest(), **counts}
        return self.splits[name]

    def words(self, words: Iterable[str]) -> None:
        with (self.folder / WORDS).open("w", encoding="utf-8", newline="\n") as out:
            out.writelines(f"{word}\n" for word in words)

    def found(self) -> dict[str, Any]:
        return {"dtype": self._kind.str, "sha256": self._whole.hexdigest(), "splits": self.splits}


def smallest(vocabulary: int) -> Any:
    """The narrowest type of numbers below `vocabulary`."""
    return np.min_scalar_type(vocabulary - 1)
