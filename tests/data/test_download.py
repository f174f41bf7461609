"""Downloads from a server of this machine that drops connections, forgets ranges and changes its files."""

import hashlib
import socket
from pathlib import Path
from typing import Any

import pytest
from served import DATA, Site

from reattend.data import download
from reattend.data.download import Download
from reattend.settings import SettingError

MD5, SHA256 = hashlib.md5(DATA).hexdigest(), hashlib.sha256(DATA).hexdigest()


def ask(site: Site, **known: Any) -> Path:
    place = Download(url=site.url, relative="archives/a.tgz", setting="data.path", value="null", **known)
    return place.path()


def left(tmp_path: Path) -> list[str]:
    return sorted(file.name for file in (tmp_path / "archives").iterdir() if not file.name.endswith(".lock"))


def test_a_file_is_fetched_once_and_whole(site: Site, tmp_path: Path) -> None:
    for _ in range(2):
        assert ask(site, size=len(DATA), md5=MD5, sha256=SHA256).read_bytes() == DATA
    assert len(site.asked) == 1 and left(tmp_path) == ["a.tgz"]
    assert site.asked[0]["User-Agent"].startswith("Mozilla/")


def test_a_file_placed_by_hand_needs_no_network(site: Site, tmp_path: Path) -> None:
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives" / "a.tgz").write_bytes(DATA)
    assert ask(site, sha256=SHA256) == tmp_path / "archives" / "a.tgz" and not site.asked


def test_a_dropped_connection_is_taken_up_where_it_ended(site: Site) -> None:
    site.drops = [100_000, 1, 0, 50_000]
    assert ask(site).read_bytes() == DATA
    begins = [request.get("Range") for request in site.asked]
    assert begins == [None, "bytes=100000-", "bytes=100001-", "bytes=100001-", "bytes=150001-"]


def test_patience_begins_anew_with_every_byte(site: Site) -> None:
    site.drops = [7] * (2 * download.ATTEMPTS)
    assert ask(site).read_bytes() == DATA


@pytest.mark.parametrize("tag", [None, 'W/"weak"'])
def test_no_range_is_asked_for_without_a_name_of_the_version(tag: str | None, site: Site) -> None:
    site.tag, site.drops = tag, [100_000]
    ask(site)
    assert [request.get("Range") for request in site.asked] == [None, None]


def test_the_next_run_takes_it_up_as_well(site: Site, tmp_path: Path) -> None:
    site.drops, site.statuses = [100_000], []
    fails = 10 * [0]
    site.drops += fails
    with pytest.raises(SettingError, match="connection ended after 100000 of 300000 bytes, 5 times"):
        ask(site)
    site.drops, site.asked = [], []
    assert ask(site, sha256=SHA256).read_bytes() == DATA
    assert [request["Range"] for request in site.asked] == ["bytes=100000-"] and left(tmp_path) == ["a.tgz"]


@pytest.mark.parametrize("how", [{"ranges": False}, {"lie": True}])
def test_without_trustworthy_ranges_it_begins_anew(how: dict[str, Any], site: Site) -> None:
    for name, value in how.items():
        setattr(site, name, value)
    site.drops = [100_000]
    assert ask(site, sha256=SHA256).read_bytes() == DATA


def test_an_answer_of_unstated_length_is_checked_by_what_is_known(site: Site, tmp_path: Path) -> None:
    site.unstated, site.drops = True, [100_000]
    with pytest.raises(SettingError, match="100000 bytes instead of 300000"):
        ask(site, size=len(DATA))
    assert ask(site, size=len(DATA)).read_bytes() == DATA


def test_two_versions_are_never_joined(site: Site) -> None:
    site.drops = [100_000, *5 * [0]]
    with pytest.raises(SettingError):
        ask(site)
    site.data, site.tag, site.drops = DATA[::-1], '"two"', []
    assert ask(site).read_bytes() == DATA[::-1]


def test_a_file_that_became_shorter_is_fetched_anew(site: Site) -> None:
    site.drops = [100_000, *5 * [0]]
    with pytest.raises(SettingError):
        ask(site)
    site.data, site.drops = DATA[:50], []
    assert ask(site).read_bytes() == DATA[:50]


def test_a_busy_server_is_asked_again_and_a_missing_file_is_not(site: Site) -> None:
    site.statuses = [503, 429]
    assert ask(site).read_bytes() == DATA and len(site.asked) == 3
    site.statuses, site.asked = [404], []
    missing = Download(url=site.url, relative="b.tgz", setting="data.path", value="null", size=7, md5=MD5)
    with pytest.raises(SettingError) as refused:
        missing.path()
    assert len(site.asked) == 1
    assert "404" in str(refused.value) and f"b.tgz (size 7, md5 {MD5}), or set data.path" in str(refused.value)


@pytest.mark.parametrize("known", [{"size": 5}, {"md5": "0" * 32}, {"sha256": "0" * 64}])
def test_another_file_is_kept_aside_and_refused(known: dict[str, Any], site: Site, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"{next(iter(known))}|5"):
        ask(site, **known)
    assert left(tmp_path) == [f"a.tgz.corrupt-{SHA256[:8]}"]


def test_a_damaged_file_of_the_cache_is_put_aside(site: Site, tmp_path: Path) -> None:
    ask(site).write_bytes(b"damaged")
    assert ask(site, md5=MD5).read_bytes() == DATA
    assert len(left(tmp_path)) == 2 and left(tmp_path)[1].startswith("a.tgz.corrupt-")


def test_no_network_is_told_at_once(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE", 1000)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # and does not listen
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/a.tgz"
        with pytest.raises(SettingError, match=r"place the file by hand as .*archives/a\.tgz"):
            Download(url=url, relative="archives/a.tgz", setting="data.path", value="null").path()


def test_a_folder_that_cannot_be_written_is_told(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "file"))
    with pytest.raises(SettingError, match="REATTEND_HOME"):
        ask(site)
