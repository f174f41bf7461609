"""Lines to translate: every packing reads alike, and what cannot be paired or read is refused by its line."""

import gzip
import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from reattend.data.lines import Lines
from reattend.settings import SettingError

SENTENCES = ["Ein Hund.", "", "Über „Tiere“ & Menschen\u2028heute"]
SGM = """<srcset setid="x"><doc docid="1">
<hl><seg id="1"> Ein Hund. </seg></hl>
<p><seg id="2"></seg>
<seg id="3">Über „Tiere“ &amp; Menschen
heute</seg></p></doc></srcset>
"""


def plain(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def gz(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content))


def xz(path: Path, content: bytes) -> None:
    path.write_bytes(lzma.compress(content))


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize(("suffix", "pack"), [("", plain), (".gz", gz), (".xz", xz)])
def test_packings(tmp_path: Path, suffix: str, pack: Callable[[Path, bytes], None], end: str) -> None:
    path = tmp_path / f"test.de{suffix}"
    pack(path, ("\n".join(SENTENCES) + end).encode())
    assert Lines(source=str(path)).read() == (SENTENCES, None)


@pytest.mark.parametrize("name", ["a.sgm", "a.de.sgm.xz", "a.sgml", "a.xml.xz"])
def test_segments(tmp_path: Path, name: str) -> None:
    (xz if name.endswith("xz") else plain)(tmp_path / name, SGM.encode())
    found, _ = Lines(source=str(tmp_path / name)).read()
    assert found == ["Ein Hund.", "", "Über „Tiere“ & Menschen heute"]


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "test.de"
    path.write_bytes(b"\xef\xbb\xbf" + b"eins\r\nzwei \r\n")
    assert Lines(source=str(path)).read() == (["eins", "zwei"], None)


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("Ähre\nzwei\n".encode())))
    reference = tmp_path / "r.en"
    reference.write_text("one\ntwo\n")
    lines = Lines(source="-", reference=str(reference))
    assert lines.source == "standard input and r.en" and lines.read() == (["Ähre", "zwei"], ["one", "two"])
    with pytest.raises(SettingError, match=r"data\.reference=-: expected a file"):
        Lines(source="-", reference="-")


def test_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "test.de"
    path.write_text("\n".join(SENTENCES))
    assert "3 lines, 1 of them empty, without references" in Lines(source=str(path)).describe()


@pytest.mark.parametrize(("source", "reference"), [(3, 2), (2, 3)])
def test_a_line_without_a_partner(tmp_path: Path, source: int, reference: int) -> None:
    files = {}
    for name, count in (("source", source), ("reference", reference)):
        files[name] = str(tmp_path / name)
        Path(files[name]).write_text("".join(f"{name} {i}\n" for i in range(1, count + 1)))
    longer = "source" if source > reference else "reference"
    with pytest.raises(SettingError) as refused:
        Lines(**files).read()
    said = str(refused.value)
    assert f"{source} sources, {reference} references" in said
    assert f"line 3 of data.{longer} ('{longer} 3') has no partner" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "at least one line"),
        (b"gut\nsch\xf6n\n", r"UTF-8; byte 4 of line 2 \(0xf6\) is not. Convert the file"),
    ],
)
def test_unusable(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "test.de"
    path.write_bytes(content)
    with pytest.raises(SettingError, match=rf"data\.source=.*test\.de: expected {said}"):
        Lines(source=str(path)).read()


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_a_damaged_archive(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"test.de{suffix}"
    (gz if suffix == ".gz" else xz)(path, "\n".join(SENTENCES * 50).encode())
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(SettingError, match=rf"expected a whole \{suffix} file"):
        Lines(source=str(path)).read()


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"data\.source=.*none: expected an existing file"):
        Lines(source=str(tmp_path / "none")).read()
