"""Files that may be packed: `.gz`, `.xz` and `.bz2` are unpacked as they are read."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

OPEN: dict[str, Callable[[Path], Any]] = {".xz": lzma.open, ".gz": gzip.open, ".bz2": bz2.open}
DAMAGE = (lzma.LZMAError, gzip.BadGzipFile, zlib.error, EOFError)  # what unpacking a damaged file raises


def plain_name(path: Path) -> str:
    """The file's name, as it is when unpacked."""
    return path.stem if path.suffix in OPEN else path.name


def unpacked(path: Path) -> IO[bytes]:
    """The bytes of a file, unpacked if need be."""
    opened: IO[bytes] = OPEN[path.suffix](path) if path.suffix in OPEN else path.open("rb")
    return opened
