"""GGUF models unpacked once: kept in the user's cache folder as safetensors, read in a second from then on.

The library needs 20 s for SmolLM2's GGUF, most of them to parse its vocabulary, in Python, several times over. What it
made of the file is kept under the file's sha256 and the library's version, written whole and checked at each use; the
numbers are the same. Beyond `LARGEST` nothing is kept, as it takes five times the room of a 4-bit file.
"""

import json
import logging
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import filelock

from reattend.data.store import digest, home

log = logging.getLogger(__name__)

LARGEST = 256 * 2**20  # bytes of a GGUF file
SUMS = "sha256.json"  # file -> checksum, beside the files


def kept(gguf: Path, make: Callable[[Path], None]) -> Path | None:
    """The folder that `make(part)` wrote for this file, now or before; None where it is not to be kept."""
    if gguf.stat().st_size > LARGEST:
        return None
    folder = home() / "unpacked" / f"{digest(gguf)}-transformers-{version('transformers')}"
    if _sound(folder):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder.with_name(folder.name + ".lock")):
            if not _sound(folder):  # else another process made it while this one waited
                log.info("Unpacking %s: once, half a minute", gguf.name)
                _make(folder, make)
        return folder
    except OSError as problem:
        log.warning("%s cannot be kept unpacked, which makes each start slow: %s", gguf.name, problem)
        return None


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    # one fixed name, as the lock is held: a killed run's rest is removed
    part = folder.with_name(folder.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        make(part)
        sums = {file.name: digest(file) for file in part.iterdir()}
        (part / SUMS).write_text(json.dumps(sums), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        part.replace(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _sound(folder: Path) -> bool:
    try:
        sums = json.loads((folder / SUMS).read_text(encoding="utf-8"))
        return all(digest(folder / name) == sum_ for name, sum_ in sums.items())
    except (OSError, ValueError):
        return False
