"""One file of many, as a stream: in an archive (.zip, .tgz), in a folder or alone, found by the shape of its name.

Nothing is unpacked to disk, so no name in an archive can lead out of a folder.
"""

import contextlib
import io
import tarfile
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import IO

from reattend.data.archive import BROKEN, damaged
from reattend.data.packed import plain_name, unpacked
from reattend.settings import SettingError

_TAR = (".tgz", ".tar", ".tar.gz")


def files_of(source: Path, pattern: str) -> list[Path]:
    """The files on disk that hold what `member` reads: those of a folder, or the archive or file itself."""
    return [path for path in _inside(source) if fnmatch(plain_name(path), pattern)] if source.is_dir() else [source]


@contextlib.contextmanager
def member(source: Path, pattern: str, *, setting: str = "data.path") -> Iterator[IO[bytes]]:
    """The bytes of the one file of `source` whose name, without folders and packing, is like `pattern`.

    `setting` is what the user can mend. A damaged archive of the cache folder is put aside: the next call fetches anew.
    """
    try:
        with _opened(source, pattern, setting) as stream:
            yield stream
    except BROKEN as damage:
        raise damaged(source, damage, setting) from damage


def _opened(source: Path, pattern: str, setting: str) -> contextlib.AbstractContextManager[IO[bytes]]:
    if source.is_dir():
        return unpacked(_only(files_of(source, pattern), source, pattern, setting))
    if zipfile.is_zipfile(source):
        return _of_zip(source, pattern, setting)
    if source.name.endswith(_TAR):
        return _of_tar(source, pattern, setting)
    return unpacked(source)


def _inside(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _only(names: list[Path], source: Path, pattern: str, setting: str) -> Path:
    if len(names) == 1:
        return names[0]
    found = ", ".join(name.name for name in names) or "none"
    raise SettingError(
        setting, source, f"one file named like {pattern} in it; it has {found}", "Take the archive of its own site."
    )


@contextlib.contextmanager
def _of_zip(source: Path, pattern: str, setting: str) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(source) as archive:
        names = [Path(name) for name in archive.namelist() if fnmatch(PurePosixPath(name).name, pattern)]
        with archive.open(_only(names, source, pattern, setting).as_posix()) as stream:
            yield stream


@contextlib.contextmanager
def _of_tar(source: Path, pattern: str, setting: str) -> Iterator[IO[bytes]]:
    """Read whole, as a compressed archive cannot be entered twice: these members are small."""
    found: dict[Path, bytes] = {}
    with tarfile.open(source, mode="r:*") as archive:
        for entry in archive:
            name = PurePosixPath(entry.name)
            if entry.isreg() and fnmatch(name.name, pattern) and (file := archive.extractfile(entry)):
                found[Path(name)] = file.read()
    yield io.BytesIO(found[_only([*found], source, pattern, setting)])
