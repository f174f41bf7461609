"""Byte pair encoding of words, by subword-nmt: learn merges, split words by them, join them again.

Citation: Sennrich, Haddow and Birch (2016), Neural machine translation of rare words with subword units.
"""

import contextlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence

from subword_nmt.apply_bpe import BPE  # type: ignore[import-untyped]
from subword_nmt.learn_bpe import learn_bpe  # type: ignore[import-untyped]

from reattend.settings import SettingError

VERSION = "#version: 0.2"
SEPARATOR = "@@"


def learn(lines: Iterable[str], *, merges: int) -> tuple[str, ...]:
    """The lines of a code file, fewer than `merges` where no pair is left that occurs twice."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line.strip("\r\n ").split(" "))
    words = {word: count for word, count in counts.items() if len(word) > 1}  # others hold no pair
    if not words or merges < 1:
        return (VERSION,)
    codes = io.StringIO()
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar and remarks
        learn_bpe([f"{word} {count}" for word, count in words.items()], codes, merges, is_dict=True)
    return tuple(codes.getvalue().splitlines())


class Codes:
    """Splits words by learnt merges; remembers the words it has split."""

    def __init__(self, lines: Sequence[str]) -> None:
        if not lines or lines[0] != VERSION:
            raise SettingError("BPE codes", lines[0] if lines else "nothing", VERSION, "Learn them with subword-nmt.")
        for number, line in enumerate(lines[1:], 2):
            if line.count(" ") != 1 or line != line.strip():  # subword-nmt would end the program
                raise SettingError(f"line {number} of the BPE codes", line, "two subwords", "Learn them anew.")
        self._bpe = BPE(io.StringIO("\n".join(lines)), merges=len(lines) - 1, separator=SEPARATOR)

    def segment(self, line: str) -> str:
        """`lower est` -> `low@@ er est`."""
        subwords: str = self._bpe.segment(line)
        return subwords


def join(line: str) -> str:
    """`low@@ er est` -> `lower est`."""
    return f"{line} ".replace(f"{SEPARATOR} ", "").rstrip(" ")
