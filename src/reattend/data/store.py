"""The cache folder of the user: every file in it is checked, written whole and made only once.

The folder is `REATTEND_HOME`, or what the system calls a user's cache. Reading takes no lock, so a cached
file serves offline and from a folder that is read-only; making one takes a lock beside it.
"""

import errno
import hashlib
import logging
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import filelock
import platformdirs

from reattend.settings import SettingError

log = logging.getLogger(__name__)


def home() -> Path:
    """The cache folder; it need not exist yet."""
    chosen = os.environ.get("REATTEND_HOME")
    return Path(chosen).expanduser().absolute() if chosen else platformdirs.user_cache_path("reattend")


def stored(relative: str, *, size: int, sha256: str, make: Callable[[Path], None]) -> Path:
    """The file `relative` of the cache folder, with these contents.

    A missing file is made by `make(part)`, which writes the path it is given. A damaged one is put aside and
    made anew. What `make` writes is checked too: an unexpected file is kept aside and refused.
    """
    path = home() / relative
    try:
        if _sound(path, size, sha256):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(path.with_name(path.name + ".lock")):
            if not _sound(path, size, sha256):  # else another process made it while this one waited
                if path.exists():
                    log.warning("%s is damaged: kept as %s, made anew", path, set_aside(path, path))
                _make(path, size, sha256, make)
        return path
    except OSError as problem:
        raise unusable(problem, need=f"{size} bytes and what they are unpacked from") from problem


def _make(path: Path, size: int, sha256: str, make: Callable[[Path], None]) -> None:
    # one fixed name, as the lock is held: a killed run's rest is overwritten
    part = path.with_name(path.name + ".part")
    try:
        make(part)
        if not _sound(part, size, sha256):
            found = digest(part)
            raise SettingError(
                f"sha256 of {path.name}",
                f"{found} ({part.stat().st_size} bytes)",
                f"{sha256} ({size} bytes)",
                f"The file is not used but kept as {set_aside(part, path)}. Try again, from another index or network.",
            )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _sound(path: Path, size: int, sha256: str) -> bool:
    """Whether the file is there and is the expected one."""
    try:
        return path.stat().st_size == size and digest(path) == sha256
    except FileNotFoundError:
        return False


def digest(path: Path) -> str:
    """The sha256 of a file; a process reads each version of it, told by size and time, once."""
    real = path.resolve()
    state = real.stat()
    return _digest(real, state.st_size, state.st_mtime_ns)


@cache
def _digest(path: Path, size: int, modified: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def set_aside(wrong: Path, path: Path) -> Path:
    """Rename a file that must not be used after the one it should be; its new path."""
    return wrong.replace(path.with_name(f"{path.name}.corrupt-{digest(wrong)[:8]}"))


def unusable(problem: OSError, *, need: str) -> SettingError:
    """What to tell of a cache folder that cannot be written: `need` is what did not fit, if it is full."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        expected = f"a folder on a disk with room for {need}"
        fix = "Free some space or set REATTEND_HOME to a folder on another disk; nothing half-written is left."
    else:
        expected = f"a folder that can be written to ({problem})"
        fix = "Set REATTEND_HOME to such a folder."
    return SettingError("REATTEND_HOME", home(), expected, fix)
