"""The prepared form of a parallel corpus: a folder of the cache, made stage by stage, each kept when it is whole.

    plain.<split>.<lang>    sentences as people write them, a line each
    tokens.<split>.<lang>   Moses tokens, lower-cased where the corpus is
    codes                   BPE learnt on the train tokens of both languages, in alphabetical order of their names
    subwords.<split>.<lang>
    pipeline.json           codes and dictionaries: all that new text needs
    numbers.<split>.<side>.{ids,starts}.npy, kept.<split>.npy   opened as memory maps
    manifest.json           counts and checksums; written last

An interrupted preparation goes on after its last whole file; a second process waits for the first.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import filelock
import numpy as np

from reattend.data.parallel.bpe import learn
from reattend.data.parallel.dictionary import count_symbols, symbols_of
from reattend.data.parallel.pipeline import Language, Pipeline
from reattend.data.parallel.recipe import Recipe
from reattend.data.parallel.splitting import Pairs, lines_of
from reattend.data.parallel.workers import each_line
from reattend.data.store import digest
from reattend.files import atomic
from reattend.settings import SettingError

SPLITS = ("train", "valid", "test")
Verify = Callable[[Path, Pipeline], None]  # a prepared folder and what was learnt


class Preparation:
    """Makes what is missing of such a folder."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.folder, self.recipe = folder, recipe

    def run(self, raw: Callable[[], Mapping[str, Pairs]], verify: Verify) -> None:
        """`raw` gives the plain splits; it is not called if they are there. `verify` may refuse what was made."""
        if (self.folder / "manifest.json").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self.folder / "lock"):
            if (self.folder / "manifest.json").exists():  # another process made it while this one waited
                return
            self._plain(raw)
            for split in SPLITS:
                for language in self.recipe.languages:
                    self._map("plain", "tokens", split, language, self._side(language).tokenise)
            self._codes()
            for split in SPLITS:
                for language in self.recipe.languages:
                    self._map("tokens", "subwords", split, language, self._side(language, self._lines("codes")).segment)
            pipeline = self._pipeline()
            self._write("pipeline.json", json.dumps(pipeline.to_plain(), ensure_ascii=False))
            found = {split: self._numbers(split, pipeline) for split in SPLITS}
            try:
                verify(self.folder, pipeline)
            except SettingError:  # so that another source is not mixed with this one
                for path in self.folder.glob("*.*"):
                    path.unlink()
                (self.folder / "codes").unlink()
                raise
            manifest = {"pipeline": pipeline.sha256, "splits": found}
            self._write("manifest.json", json.dumps(manifest, indent=1))

    def _side(self, language: str, codes: Sequence[str] = (), symbols: Sequence[str] = ()) -> Language:
        recipe = self.recipe
        return Language(language, recipe.lowercase, recipe.split_hyphens, tuple(codes), tuple(symbols))

    def _write(self, name: str, text: str) -> None:
        with atomic(self.folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")

    def _lines(self, name: str) -> list[str]:
        return lines_of(self.folder / name)

    def _plain(self, raw: Callable[[], Mapping[str, Pairs]]) -> None:
        names = [(split, i, f"plain.{split}.{language}") for split in SPLITS for i, language in self._sides()]
        if not all((self.folder / name).exists() for *_, name in names):
            splits = raw()
            for split, i, name in names:
                self._write(name, "".join(f"{line}\n" for line in splits[split][i]))

    def _sides(self) -> list[tuple[int, str]]:
        return list(enumerate(self.recipe.languages))

    def _map(self, before: str, after: str, split: str, language: str, function: Callable[[str], str]) -> None:
        name = f"{after}.{split}.{language}"
        if not (self.folder / name).exists():
            lines = each_line(
                function, self._lines(f"{before}.{split}.{language}"), label=f"{after} of {split}.{language}"
            )
            self._write(name, "".join(f"{line}\n" for line in lines))

    def _codes(self) -> None:
        if not (self.folder / "codes").exists():
            lines = [line for code in sorted(self.recipe.languages) for line in self._lines(f"tokens.train.{code}")]
            self._write("codes", "".join(f"{line}\n" for line in learn(lines, merges=self.recipe.merges)))

    def _pipeline(self) -> Pipeline:
        codes = self._lines("codes")
        counts = [count_symbols(self._lines(f"subwords.train.{code}")) for code in self.recipe.languages]
        if self.recipe.joined:
            counts = [counts[0] + counts[1]] * 2
        source, target = (
            self._side(code, codes, symbols_of(count))
            for code, count in zip(self.recipe.languages, counts, strict=True)
        )
        return Pipeline(source, target)

    def _numbers(self, split: str, pipeline: Pipeline) -> dict[str, Any]:
        """Write a split's numbers; what is kept and dropped of it."""
        sides = [self._lines(f"subwords.{split}.{code}") for code in self.recipe.languages]
        lengths = np.array([[len(line.split()) for line in lines] for lines in sides])  # [2, pairs]
        keep, dropped = np.ones(len(sides[0]), dtype=bool), {}
        if split != "test":  # a test set is scored as it is
            for reason, found in self._faults(lengths).items():
                dropped[reason] = int((found & keep).sum())
                keep &= ~found
        kept = np.flatnonzero(keep)
        np.save(self.folder / f"kept.{split}.npy", kept)
        counts: dict[str, Any] = {"pairs": len(kept), "dropped": dropped}
        for side, language, lines, own in zip(("source", "target"), pipeline.sides, sides, lengths, strict=True):
            starts = np.concatenate([[0], np.cumsum(own[kept] + 1)])  # EOS counts
            numbers = (number for i in kept for number in language.numbers(lines[i]))  # millions: never a list
            ids = self.folder / f"numbers.{split}.{side}.ids.npy"
            np.save(ids, np.fromiter(numbers, np.int32, int(starts[-1])))
            np.save(self.folder / f"numbers.{split}.{side}.starts.npy", starts)
            counts |= {f"{side}_tokens": int(starts[-1]), f"{side}_sha256": digest(ids)}
        return counts

    def _faults(self, lengths: np.ndarray) -> dict[str, np.ndarray]:
        """For each reason to drop a pair, which pairs have it, from the subwords [2, pairs] of their sides."""
        faults = {"empty": (lengths == 0).any(axis=0)}
        if self.recipe.too_long == "drop":
            faults["too long"] = (lengths > self.recipe.max_length).any(axis=0)
        if self.recipe.ratio is not None:
            faults["too unequal"] = lengths.max(axis=0) > self.recipe.ratio * lengths.min(axis=0)
        return faults
