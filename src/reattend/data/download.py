"""A file of the web in the user's cache folder: fetched, checked, written whole and made only once.

A connection that drops is taken up where it ended, now or by the next run, if the server still has the same file. The
file may as well be placed there by hand: it is checked in the same way.
"""

import errno
import hashlib
import http.client
import logging
import socket
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import filelock
from tqdm import tqdm

from reattend.data.store import home, set_aside
from reattend.settings import SettingError

log = logging.getLogger(__name__)

ATTEMPTS = 5  # in a row that bring no byte
PAUSE = 1.0  # seconds after the first of them; doubled after each
PATIENCE = 30  # seconds without an answer
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"  # some mirrors refuse Python's own
PIECE = 1 << 18
_BUSY = {408, 425, 429, 500, 502, 503, 504}
_NO_NETWORK = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH}


@dataclass(frozen=True, kw_only=True)
class Download:
    """One file; what is known of it is checked whenever it is asked for."""

    url: str
    relative: str  # its path in the cache folder
    setting: str  # what the user may set to do without the download, and its value
    value: object
    size: int | None = None
    md5: str | None = None
    sha256: str | None = None

    def path(self) -> Path:
        """The checked file, fetched if it is not there yet."""
        path = home() / self.relative
        if path.is_file() and not self._fault(path):
            return path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(path.with_name(path.name + ".lock")):
                if path.is_file():  # another process made it while this one waited, or it is damaged
                    if not (fault := self._fault(path)):
                        return path
                    log.warning("%s has %s: kept as %s, fetched anew", path, fault, set_aside(path, path))
                self._fetch(path)
        except OSError as problem:
            expected = f"a folder that can be written to, with enough room ({problem})"
            raise SettingError("REATTEND_HOME", home(), expected, "Set REATTEND_HOME to such a folder.") from problem
        return path

    def _fetch(self, path: Path) -> None:
        part = path.with_name(path.name + ".part")
        try:
            take(self.url, part)
        except Unreachable as reason:
            known = [f"{key} {fact}" for key in ("size", "md5", "sha256") if (fact := getattr(self, key))]
            facts = f" ({', '.join(known)})" * bool(known)
            fix = f"Connect to the network once, or place the file by hand as {path}{facts}, or set {self.setting}."
            raise SettingError(self.setting, self.value, f"{self.url} to answer ({reason})", fix) from reason
        if fault := self._fault(part):
            fix = f"The file is not used but kept as {set_aside(part, path)}. Try again, from another network."
            raise SettingError(self.setting, self.value, f"another file of {self.url}: it has {fault}", fix)
        part.replace(path)

    def _fault(self, path: Path) -> str | None:
        size = path.stat().st_size
        if self.size not in (None, size):
            return f"{size} bytes instead of {self.size}"
        for method, wanted in (("md5", self.md5), ("sha256", self.sha256)):
            if wanted:
                with path.open("rb") as file:
                    found = hashlib.file_digest(file, method).hexdigest()
                if found != wanted:
                    return f"{method} {found} instead of {wanted}"
        return None


class Unreachable(Exception):  # noqa: N818 - the reason is its message
    """A server cannot be reached, or has no such file."""


def take(url: str, part: Path) -> None:
    """Fetch `url` to `part`, going on after what `part` already holds; gives up after ATTEMPTS without progress."""
    failures = 0
    while True:
        before = _length(part)
        try:
            return _attempt(url, part)
        except urllib.error.HTTPError as error:
            if error.code == 416:  # nothing follows what is there: not the file it began with
                part.unlink(missing_ok=True)
            elif error.code not in _BUSY:
                raise Unreachable(f"{error.code} {error.reason}") from error
            reason: Exception = error
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
            if _no_network(getattr(error, "reason", error)):
                raise Unreachable(str(error)) from error
            reason = error
        failures = 1 if _length(part) > before else failures + 1
        if failures == ATTEMPTS:
            raise Unreachable(f"{reason}, {ATTEMPTS} times") from reason
        log.info("%s: %s; trying again", url, reason)
        time.sleep(PAUSE * 2 ** (failures - 1))


def _no_network(reason: object) -> bool:
    """Waiting would not help."""
    return isinstance(reason, socket.gaierror) or getattr(reason, "errno", None) in _NO_NETWORK


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _attempt(url: str, part: Path) -> None:
    """One request: for the rest of the file where a part of the same version is there, else for all of it."""
    version = part.with_name(part.name + ".version")
    headers = {"User-Agent": AGENT}
    if _length(part) and version.exists():
        headers |= {"Range": f"bytes={_length(part)}-", "If-Range": version.read_text(encoding="utf-8")}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=PATIENCE) as answer:
        start = _length(part) if answer.status == http.HTTPStatus.PARTIAL_CONTENT else 0
        if not start or not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            version.unlink(missing_ok=True)  # so that the next request is for all of it
            if start:
                raise http.client.HTTPException("an answer with bytes that nobody asked for")
            if mark := _version(answer):
                version.write_text(mark, encoding="utf-8")
        rest = answer.headers.get("Content-Length")
        total = start + int(rest) if rest else None
        _copy(answer, part, start, total)
    version.unlink(missing_ok=True)


def _version(answer: http.client.HTTPResponse) -> str | None:
    """What If-Range may name: a strong tag or a date."""
    tag = answer.headers.get("ETag", "")
    return tag if tag.startswith('"') else answer.headers.get("Last-Modified")


def _copy(answer: http.client.HTTPResponse, part: Path, start: int, total: int | None) -> None:
    label = part.name.removesuffix(".part")
    with (
        part.open("ab" if start else "wb") as out,
        tqdm(total=total, initial=start, desc=label, unit="B", unit_scale=True, disable=None, leave=False) as bar,
    ):
        while piece := answer.read(PIECE):
            out.write(piece)
            bar.update(len(piece))
    if total is not None and _length(part) != total:
        raise ConnectionError(f"the connection ended after {_length(part)} of {total} bytes")
