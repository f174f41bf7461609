"""Corpora of bytes: one file, cut in three by position as is usual for enwik8, 90, 5 and 5 %."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reattend.data.prepared.corpus import Prepared
from reattend.data.prepared.members import member
from reattend.data.prepared.shards import Writer

PIECE = 1 << 22  # bytes in memory at once


class ByteFile(Prepared):
    """`files` has the shape of the file's name. Splits may cut a character in two: nothing is decoded."""

    def kept(self, piece: np.ndarray) -> np.ndarray:
        """The bytes of a piece that become tokens."""
        return piece

    def write(self, files: Path, writer: Writer) -> Mapping[str, Any]:
        length, whole = 0, hashlib.md5(usedforsecurity=False)
        with member(files, self.files[0]) as stream:
            for piece in _pieces(stream, None):
                length += len(piece)
                whole.update(piece.data)
        first, second = length * 90 // 100, length * 90 // 100 + length * 5 // 100
        with member(files, self.files[0]) as stream:
            for split, size in (("train", first), ("valid", second - first), ("test", length - second)):
                writer.split(split, (self.kept(piece) for piece in _pieces(stream, size)))
        return {"bytes": length, "md5": whole.hexdigest()}


def _pieces(stream: Any, size: int | None) -> Iterator[np.ndarray]:
    """The next `size` bytes of a stream, or all that is left."""
    left = size
    while piece := stream.read(PIECE if left is None else min(PIECE, left)):
        yield np.frombuffer(piece, dtype=np.uint8)
        if left is not None:
            left -= len(piece)
