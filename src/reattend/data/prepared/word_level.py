"""Corpora of words: a line's words as its file separates them, and one `<eos>` at its end, of blank lines too.

The vocabulary is that of the train split, the most frequent first (adaptive softmax needs that order), `<eos>` before
all; of equally frequent words the one that comes first. A word of the other splits that is not in it is `<unk>`.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from reattend.data.prepared.corpus import Prepared
from reattend.data.prepared.members import member
from reattend.data.prepared.shards import SPLITS, Writer, smallest
from reattend.settings import SettingError

EOS, UNK = "<eos>", "<unk>"  # as WikiText and Penn Treebank spell the end of a line and a word outside the list
PIECE = 1 << 20  # tokens in memory at once


class WordLevel(Prepared):
    """`files` has the shape of each split's file, in the order train, valid, test."""

    unit = "word"
    rarest = 1  # a word that the train split has less often is <unk>

    @property
    def vocabulary(self) -> int:  # type: ignore[override]  # known only when it is prepared
        return int(self.shards.manifest["vocabulary"])

    def words(self) -> list[str]:
        """The vocabulary by rank."""
        return self.shards.words()

    def lines(self, files: Path, split: str) -> Iterator[str]:
        """The lines of a split, from its first on whenever it is called."""
        with member(files, self.files[SPLITS.index(split)]) as stream:
            yield from decoded(stream, setting="data.path", value=files, what=split)

    def write(self, files: Path, writer: Writer) -> Mapping[str, Any]:
        ranks = self._ranked(self._shown(files, "train", "words"))
        writer.words(ranks)
        for split in SPLITS:
            count = Counter[str]()
            lines = self._shown(files, split, "tokens")
            pieces = _numbers(lines, ranks, count, smallest(len(ranks)), self._refuse_unknown)
            writer.split(split, pieces, kind=smallest(len(ranks))).update(count)
            if split in self.facts.md5:
                writer.splits[split] |= self.checksum(files, split)
        return {"vocabulary": len(ranks)}

    def _shown(self, files: Path, split: str, what: str) -> Iterator[str]:
        lines = self.lines(files, split)
        yield from tqdm(lines, desc=f"{what} of {split}", unit=" lines", unit_scale=True, disable=None, leave=False)

    def _ranked(self, lines: Iterable[str]) -> dict[str, int]:
        found = Counter[str]()
        for line in lines:
            found.update(line.split())
        found.pop(EOS, None)
        kept = [word for word, count in found.most_common() if count >= self.rarest]
        if len(kept) < len(found) and UNK not in kept:
            kept.append(UNK)
        return {word: rank for rank, word in enumerate([EOS, *kept])}

    def checksum(self, files: Path, split: str) -> dict[str, str]:
        """The md5 of the split's file; empty where it does not lie there as it was published."""
        with member(files, self.files[SPLITS.index(split)]) as stream:
            return {"md5": hashlib.file_digest(stream, "md5").hexdigest()}  # type: ignore[arg-type]

    def _refuse_unknown(self, word: str) -> SettingError:
        expected = f"a vocabulary with {UNK}, as {word!r} is not in the train split"
        return SettingError("data.path", self.path or "null", expected, "Take all splits of one corpus.")


def decoded(stream: Iterable[bytes], *, setting: str, value: object, what: str) -> Iterator[str]:
    """The lines of a file; the refusal of one that is no UTF-8 names it, and the setting that chose the file."""
    for number, line in enumerate(stream, 1):
        try:
            yield line.decode()
        except UnicodeDecodeError as error:
            expected = f"UTF-8 text; line {number} of {what} is not ({error})"
            raise SettingError(setting, value, expected, "Fetch the file anew.") from None


def _numbers(
    lines: Iterable[str], ranks: Mapping[str, int], count: Counter[str], kind: Any, refuse: Any
) -> Iterator[np.ndarray]:
    """Arrays of ranks; `count` gets the lines and the words that became <unk>."""
    eos, unknown, known = ranks[EOS], ranks.get(UNK, -1), ranks.get
    numbers: list[int] = []
    for line in lines:
        count["lines"] += 1
        words = line.split()
        found = [known(word, -1) for word in words]
        if -1 in found:
            if unknown < 0:
                raise refuse(words[found.index(-1)])
            count["unknown"] += found.count(-1)
            found = [unknown if rank < 0 else rank for rank in found]
        numbers += found
        numbers.append(eos)
        if len(numbers) >= PIECE:
            yield np.array(numbers, dtype=kind)
            numbers.clear()
    yield np.array(numbers, dtype=kind)
