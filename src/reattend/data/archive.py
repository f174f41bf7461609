"""Named text files out of an archive or an unpacked folder.

Nothing is unpacked: members are read by their exact name, so a member called `../../x` is a name nobody asks for. A
.tgz is read to its end, where its checksum is, so that one that was changed or cut short is noticed.
"""

import gzip
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from reattend.data.packed import DAMAGE, OPEN, unpacked
from reattend.data.store import home, set_aside
from reattend.settings import SettingError

BROKEN = (*DAMAGE, tarfile.TarError, zipfile.BadZipFile)  # what reading a damaged archive or file raises
_PIECE = 1 << 20


def read_lines(path: Path, names: Sequence[str], *, setting: str) -> dict[str, list[str]]:
    """The lines of each file, UTF-8, divided at \\n alone; `path` is a .tgz, a .zip or a folder.

    In a folder a file may lie without the folders of its name, and packed as .gz, .xz or .bz2. `setting` is what the
    user can mend. A damaged archive of the cache folder is put aside, so that the next call fetches it anew.
    """
    try:
        read = _of_folder if path.is_dir() else _of_zip if zipfile.is_zipfile(path) else _of_tar
        found = read(path, names)
    except BROKEN as damage:
        raise damaged(path, damage, setting) from damage
    if missing := [name for name in names if name not in found]:
        expected = f"{', '.join(missing)} in it"
        raise SettingError(setting, path, expected, "Take the archive of its own site, or a folder of such files.")
    return {name: _lines(found[name], path, name, setting) for name in names}


def _of_folder(folder: Path, names: Sequence[str]) -> dict[str, bytes]:
    found = {}
    for name in names:
        places = [f"{place}{end}" for place in (folder / name, folder / Path(name).name) for end in ("", *OPEN)]
        if file := next((Path(place) for place in places if Path(place).is_file()), None):
            with unpacked(file) as stream:
                found[name] = stream.read()
    return found


def _of_zip(path: Path, names: Sequence[str]) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in names if name in archive.namelist()}


def _of_tar(path: Path, names: Sequence[str]) -> dict[str, bytes]:
    found = {}
    with gzip.open(path) as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if name in names and member.isreg() and (file := archive.extractfile(member)):
                found[name] = file.read()
        while stream.read(_PIECE):  # tarfile takes an archive that ends at the head of a member for whole
            pass
    return found


def _lines(data: bytes, path: Path, name: str, setting: str) -> list[str]:
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise SettingError(setting, path, f"UTF-8 text in {name} ({error})", "Convert that file.") from None
    return lines if lines[-1] else lines[:-1]


def damaged(path: Path, damage: Exception, setting: str) -> SettingError:
    """What to tell of it; one of the cache folder is put aside."""
    expected = f"a whole archive (reading it ends with: {damage or type(damage).__name__})"
    if path.is_file() and path.is_relative_to(home()):
        return SettingError(
            setting, path, expected, f"It is kept as {set_aside(path, path)}. Try again: it is fetched anew."
        )
    return SettingError(setting, path, expected, "Fetch it again.")
