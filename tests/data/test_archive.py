"""Archives and folders: named files only, read to the end, and nothing of them touches the disk."""

import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reattend.data.archive import read_lines
from reattend.settings import SettingError

FILES = {"de-en/a.de": "eins\nzwei\u2028drei\n", "de-en/a.en": "one\r\ntwo", "other/a.de": "no\n"}
NAMES = ["de-en/a.en", "de-en/a.de"]
LINES = {"de-en/a.de": ["eins", "zwei\u2028drei"], "de-en/a.en": ["one\r", "two"]}


def pack_tar(path: Path, files: Mapping[str, str], **kinds: bytes) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
        for name, kind in kinds.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/hostname"
            archive.addfile(member)
    return path


def pack_zip(path: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.fixture(params=["tgz", "dotted tgz", "zip", "folder", "flat folder of .gz", "flat folder of .xz"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The same files in each form that they may come in."""
    if "tgz" in request.param:
        start = "./" if "dotted" in request.param else ""
        return pack_tar(tmp_path / "a.tgz", {start + name: text for name, text in FILES.items()})
    if request.param == "zip":
        return pack_zip(tmp_path / "a.zip", FILES)
    end = request.param[-3:] if "flat" in request.param else ""
    pack: Callable[[bytes], bytes] = {".gz": gzip.compress, ".xz": lzma.compress}.get(end, bytes)
    for name in NAMES:
        file = tmp_path / (Path(name).name + end if end else name)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(pack(FILES[name].encode()))
    return tmp_path


def test_files_are_read_by_name(place: Path) -> None:
    assert read_lines(place, NAMES, setting="data.path") == LINES


def test_a_missing_file_is_named(place: Path) -> None:
    with pytest.raises(SettingError, match=r"data\.path=.*expected de-en/b\.en in it"):
        read_lines(place, [*NAMES, "de-en/b.en"], setting="data.path")


def test_evil_members_are_names_nobody_asks_for(tmp_path: Path) -> None:
    (inner := tmp_path / "inner").mkdir()
    evil = {"../evil": "x", "/tmp/evil-of-reattend": "x", "de-en/../../evil": "x"}
    path = pack_tar(inner / "a.tgz", {**evil, **FILES})
    assert read_lines(path, NAMES, setting="data.path") == LINES
    assert [*tmp_path.rglob("*")] == [inner, path] and not Path("/tmp/evil-of-reattend").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_a_link_or_device_is_no_file(kind: bytes, tmp_path: Path) -> None:
    path = pack_tar(tmp_path / "a.tgz", FILES, secret=kind)
    with pytest.raises(SettingError, match="expected secret in it"):
        read_lines(path, ["secret"], setting="data.path")


def test_an_archive_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = pack_tar(tmp_path / "a.tgz", FILES).read_bytes()
    for length in range(0, len(whole), 7):
        (tmp_path / "a.tgz").write_bytes(whole[:length])
        with pytest.raises(SettingError, match="a whole archive"):
            read_lines(tmp_path / "a.tgz", NAMES, setting="data.path")


def test_a_tar_cut_between_two_members_and_packed_anew_lacks_a_file(tmp_path: Path) -> None:
    tar = gzip.decompress(pack_tar(tmp_path / "a.tgz", FILES).read_bytes())
    (tmp_path / "a.tgz").write_bytes(gzip.compress(tar[:1024]))  # the first member: its head and one block
    with pytest.raises(SettingError):
        read_lines(tmp_path / "a.tgz", NAMES, setting="data.path")


@pytest.mark.parametrize("pack", [pack_tar, pack_zip])
def test_a_changed_byte_is_noticed(pack: Callable[[Path, Mapping[str, str]], Path], tmp_path: Path) -> None:
    path = pack(tmp_path / "a", FILES)
    data = bytearray(path.read_bytes())
    data[60] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(SettingError, match="a whole archive"):
        read_lines(path, NAMES, setting="data.path")


def test_a_damaged_archive_of_the_cache_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path))
    (path := tmp_path / "a.tgz").write_bytes(b"<html>not here</html>")
    with pytest.raises(SettingError, match=r"kept as .*a\.tgz\.corrupt-"):
        read_lines(path, NAMES, setting="data.path")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"<html>not here</html>"]
    assert not path.exists()


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.de").write_bytes("grün".encode("latin-1"))
    with pytest.raises(SettingError, match=r"UTF-8 text in de-en/a\.de"):
        read_lines(tmp_path, ["de-en/a.de"], setting="data.path")
