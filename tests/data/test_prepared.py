"""Published corpora out of miniatures of their true layouts: whatever the way the same tokens, checked, made once."""

import errno
import gzip
import hashlib
import io
import json
import lzma
import tarfile
import threading
import time
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from served import Site
from tiny import options

from reattend.data import Corpus, build_corpus, download, penn_treebank
from reattend.data.enwik8 import Enwik8
from reattend.data.penn_treebank import PennTreebank
from reattend.data.pg19_bytes import Pg19Bytes
from reattend.data.prepared import shards, wikitext
from reattend.data.prepared.facts import Facts
from reattend.data.prepared.shards import Writer
from reattend.data.wikitext103 import Wikitext103
from reattend.data.wikitext103_raw import Wikitext103Raw
from reattend.settings import SettingError

SHARED = Path(__file__).parents[2] / "../shared/data"
WIKI = {
    "train": " \n = A Title = \n \n the cat saw the <unk> cat @-@ house \n the end , the end \n",
    "valid": " \n the house \n",
    "test": " \n = A = \n the cat <unk> \n",
}
# by hand: "the" 4 times, then "cat", "=", "end" twice in that order ("cat" is in the line before "end"), then once each
RANKS = ["<eos>", "the", "=", "cat", "end", "A", "Title", "saw", "<unk>", "@-@", "house", ","]
TOKENS = {"train": 22, "valid": 4, "test": 9}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(download, "PAUSE", 0.001)
    return tmp_path / "home"


def corpus(name: str, **changed: Any) -> Corpus:
    sizes = {"context": 1, "batch_size": 1, "valid_limit": None}
    return build_corpus(options("data")[name] | sizes | changed)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


@pytest.fixture
def wiki(monkeypatch: pytest.MonkeyPatch) -> Facts:
    """What is published of the miniature."""
    facts = Facts(
        tokens=TOKENS,
        lines={split: text.count("\n") for split, text in WIKI.items()},
        vocabulary=len(RANKS),
        md5={split: md5(WIKI[split]) for split in ("valid", "test")},
    )
    monkeypatch.setattr(Wikitext103, "facts", facts)
    monkeypatch.setattr(Wikitext103, "archive_md5", None)
    return facts


def zipped(path: Path, texts: Mapping[str, str], *, folder: str = "wikitext-103/wiki", end: str = "tokens") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for split, text in texts.items():
            archive.writestr(f"{folder}.{split}.{end}", text)
    return path


def unpacked(folder: Path, texts: Mapping[str, str]) -> Path:
    folder.mkdir()
    for (split, text), pack in zip(texts.items(), (gzip.compress, lzma.compress, bytes), strict=True):
        end = {gzip.compress: ".gz", lzma.compress: ".xz", bytes: ""}[pack]
        (folder / f"wiki.{split}.tokens{end}").write_bytes(pack(text.encode()))
    return folder


def parquet(folder: Path, texts: Mapping[str, str], *, config: str = "wikitext-103-v1") -> Path:
    """As the hub has it: a row is a line, a blank one is nothing."""
    (folder / config).mkdir(parents=True)
    for split, text in texts.items():
        rows = [line if line.strip() else "" for line in text.splitlines(keepends=True)]
        name = f"{'validation' if split == 'valid' else split}-00000-of-00001.parquet"
        pyarrow.parquet.write_table(pyarrow.table({"text": rows}), folder / config / name)
    return folder


WAYS: dict[str, Callable[[Path], Path]] = {
    "zip": lambda tmp: zipped(tmp / "wikitext-103-v1.zip", WIKI),
    "folder": lambda tmp: unpacked(tmp / "wikitext-103", WIKI),
    "hub": lambda tmp: parquet(tmp / "hub", WIKI),
}


def by_hand(split: str) -> list[int]:
    words = [word for line in WIKI[split].splitlines() for word in [*line.split(), "<eos>"]]
    return [RANKS.index(word) for word in words]


@pytest.mark.parametrize("way", WAYS)
def test_words_by_rank_and_an_end_of_every_line(way: str, wiki: Facts, tmp_path: Path) -> None:
    made = corpus("wikitext103", path=str(WAYS[way](tmp_path)))
    assert made.words() == RANKS and made.vocabulary == len(RANKS)
    assert {split: tokens.tolist() for split, tokens in made.splits().items()} == {s: by_hand(s) for s in WIKI}
    identity = made.identity()
    assert {split: found["tokens"] for split, found in identity["splits"].items()} == TOKENS
    whole = b"".join(np.array(by_hand(split), np.uint8).tobytes() for split in WIKI)
    assert identity["sha256"] == hashlib.sha256(whole).hexdigest() and "mismatch" not in identity
    assert str(tmp_path) not in repr(identity)


@pytest.mark.parametrize("way", WAYS)
def test_verified_files_placed_by_hand_serve_without_naming_them_again(way: str, wiki: Facts, tmp_path: Path) -> None:
    given = corpus("wikitext103", path=str(WAYS[way](tmp_path)))
    given.prepare()
    again = corpus("wikitext103")
    assert again.identity()["sha256"] == given.identity()["sha256"] and again.prepare() == given.prepare()


def test_the_hubs_folders_are_told_apart(wiki: Facts, tmp_path: Path) -> None:
    other = WIKI | {"valid": " the cat \n"}
    hub = parquet(parquet(tmp_path / "hub", WIKI), other, config="wikitext-2-v1")  # one snapshot holds what was fetched
    made = corpus("wikitext103", path=str(hub))
    assert made.splits()["valid"].tolist() == by_hand("valid")
    assert sorted(made.identity()["files"]) == [f"{s}-00000-of-00001.parquet" for s in ("test", "train", "validation")]
    bare = parquet(tmp_path / "bare", other) / "wikitext-103-v1"  # another text, named by its own folder
    with pytest.raises(SettingError, match="of valid instead of"):
        corpus("wikitext103", path=str(bare)).prepare()


@pytest.mark.parametrize(
    ("split", "old", "new", "told"),
    [
        ("train", " the end , the end \n", "", "16 tokens of train instead of 22, 4 lines of train instead of 5"),
        ("valid", "house", "cat", f"md5 of valid instead of {md5(WIKI['valid'])}"),
        ("train", " Title ", " Other ", "a vocabulary"),
    ],
)
def test_other_counts_are_refused_or_recorded(
    split: str, old: str, new: str, told: str, wiki: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if told == "a vocabulary":
        monkeypatch.setattr(Wikitext103, "facts", Facts(vocabulary=13))
    path = zipped(tmp_path / "other.zip", WIKI | {split: WIKI[split].replace(old, new)})
    for _ in range(2):
        with pytest.raises(SettingError, match=rf"WikiText-103 v1 as published; it has .*{told}.*allow_mismatch=true"):
            corpus("wikitext103", path=str(path)).prepare()
    used = corpus("wikitext103", path=str(path), allow_mismatch=True)
    assert told in used.identity()["mismatch"] and f"NOT as published: {used.identity()['mismatch']}" in used.describe()
    with pytest.raises(SettingError, match="allow_mismatch=true"):  # though it lies in the cache
        corpus("wikitext103", path=str(path)).prepare()
    with pytest.raises(SettingError, match="a way to WikiText-103"):  # it is not taken for the published one
        corpus("wikitext103").prepare()


def test_a_word_that_training_never_shows_is_unknown(wiki: Facts, tmp_path: Path) -> None:
    path = zipped(tmp_path / "other.zip", WIKI | {"valid": " the dog \n"})
    made = corpus("wikitext103", path=str(path), allow_mismatch=True)
    assert made.splits()["valid"].tolist() == [RANKS.index(word) for word in ("the", "<unk>", "<eos>")]
    assert made.identity()["splits"]["valid"]["unknown"] == 1
    without = {split: text.replace("<unk>", "cat") for split, text in WIKI.items()} | {"valid": " the dog \n"}
    path = zipped(tmp_path / "without.zip", without)
    with pytest.raises(SettingError, match="a vocabulary with <unk>, as 'dog' is not in the train split"):
        corpus("wikitext103", path=str(path), allow_mismatch=True).prepare()


def served(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **facts: str) -> None:
    site.data = zipped(tmp_path / "served.zip", WIKI).read_bytes()
    monkeypatch.setattr(wikitext, "SITE", site.url)
    for key, value in facts.items():
        monkeypatch.setattr(Wikitext103, key, value)


def test_the_archive_is_fetched_through_dropped_connections(
    site: Site, wiki: Facts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served(site, monkeypatch, tmp_path)
    site.drops = [100, 50]
    assert corpus("wikitext103").splits()["valid"].tolist() == by_hand("valid")
    requests = len(site.asked)
    assert requests == 3 and corpus("wikitext103").words() == RANKS and len(site.asked) == requests


def test_a_fetched_corpus_with_other_counts_leaves_nothing_but_its_archive(
    site: Site, wiki: Facts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served(site, monkeypatch, tmp_path)
    site.data = zipped(tmp_path / "other.zip", WIKI | {"valid": " the cat \n"}).read_bytes()
    place = tmp_path / "archives" / "wikitext" / "wikitext-103-v1.zip"
    with pytest.raises(SettingError, match=rf"md5 of valid .* Remove {place} and try again"):
        corpus("wikitext103").prepare()
    assert not list((tmp_path / "corpora").glob("*/tokens/*"))
    place.unlink()
    site.data = (tmp_path / "served.zip").read_bytes()
    assert corpus("wikitext103").words() == RANKS


def test_an_archive_with_another_checksum_is_not_used(
    site: Site, wiki: Facts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served(site, monkeypatch, tmp_path, archive_md5="0" * 32)
    with pytest.raises(SettingError, match=r"has md5 [0-9a-f]{32} instead of 0{32}"):
        corpus("wikitext103").prepare()


def test_where_the_archive_is_gone_the_hub_serves(
    site: Site, wiki: Facts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served(site, monkeypatch, tmp_path)
    site.statuses = [404]
    folder = parquet(tmp_path / "hub", WIKI)
    monkeypatch.setattr("reattend.data.prepared.routes.hub_folder", lambda *args, **how: folder)
    assert corpus("wikitext103").words() == RANKS


def test_without_network_it_says_what_to_place_where(
    site: Site, wiki: Facts, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served(site, monkeypatch, tmp_path, archive_md5="1" * 32)
    site.statuses = [404]
    with pytest.raises(SettingError) as refusal:
        corpus("wikitext103").prepare()
    place = home.parent / "archives" / "wikitext" / "wikitext-103-v1.zip"  # `site` has set another folder
    for part in (str(place), "md5 " + "1" * 32, "Salesforce/wikitext", "data.path=FILE_OR_FOLDER"):
        assert part in str(refusal.value)


@pytest.mark.parametrize("damage", ["cut", "flipped"])
def test_a_damaged_archive_of_the_cache_is_put_aside(
    damage: str, site: Site, wiki: Facts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    served(site, monkeypatch, tmp_path)
    whole, middle = site.data, len(site.data) // 2
    site.data = whole[:middle] if damage == "cut" else whole[:60] + bytes([whole[60] ^ 255]) + whole[61:]
    with pytest.raises(SettingError):
        corpus("wikitext103").prepare()
    assert not list(tmp_path.glob("corpora/wikitext103/*/manifest.json"))
    site.data = whole
    for kept in tmp_path.glob("archives/wikitext/*.zip"):
        kept.unlink()
    assert corpus("wikitext103").words() == RANKS


def test_no_name_leads_out_of_an_archive(wiki: Facts, tmp_path: Path) -> None:
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for split, text in WIKI.items():
            archive.writestr(f"../../wiki.{split}.tokens", text)
    before = sorted(file for file in tmp_path.parent.rglob("*") if "home" not in file.parts)
    assert corpus("wikitext103", path=str(path)).words() == RANKS  # read, never unpacked
    assert sorted(file for file in tmp_path.parent.rglob("*") if "home" not in file.parts) == before


def test_two_preparations_at_once_are_one(wiki: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, calls, write = str(WAYS["zip"](tmp_path)), [], Wikitext103.write

    def slow(self: Wikitext103, files: Path, writer: Writer) -> Mapping[str, Any]:
        calls.append(1)
        time.sleep(0.2)
        return write(self, files, writer)

    monkeypatch.setattr(Wikitext103, "write", slow)
    made = [corpus("wikitext103", path=path) for _ in range(2)]
    threads = [threading.Thread(target=one.prepare) for one in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1 and made[0].words() == made[1].words() == RANKS


def test_a_full_disk_leaves_nothing(wiki: Facts, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Writer, *args: Any, **how: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "words", full)
        with pytest.raises(SettingError, match=r"REATTEND_HOME=.*room for the tokens of the corpus"):
            corpus("wikitext103", path=str(WAYS["zip"](tmp_path))).prepare()
    assert [file for file in home.rglob("*") if file.suffix != ".lock" and file.is_file()] == []
    assert corpus("wikitext103", path=str(tmp_path / "wikitext-103-v1.zip")).words() == RANKS


@pytest.mark.parametrize("damage", ["cut", "format", "killed"])
def test_an_unfit_folder_is_made_anew(damage: str, wiki: Facts, tmp_path: Path) -> None:
    path = str(WAYS["zip"](tmp_path))
    folder = corpus("wikitext103", path=path).prepare()
    if damage == "cut":
        (folder / "test.bin").write_bytes(b"\0")
    elif damage == "format":
        (folder / "manifest.json").write_text('{"format": 0}')
    else:
        (folder / "manifest.json").unlink()
    assert corpus("wikitext103", path=path).splits()["test"].tolist() == by_hand("test")


def test_opening_reads_only_the_manifest(wiki: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus("wikitext103", path=str(WAYS["zip"](tmp_path))).prepare()
    monkeypatch.setattr(shards.Shards, "words", lambda self: pytest.fail("the vocabulary was read"))
    made = corpus("wikitext103")
    assert isinstance(made.splits()["train"], np.memmap) and made.vocabulary == len(RANKS) and made.identity()


def test_bytes_are_split_by_position_and_never_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 4 + b"\nabc" * 19  # 1,100 bytes; the first cut is within a character
    facts = Facts(tokens={"train": 990, "valid": 55, "test": 55}, md5={"": hashlib.md5(data).hexdigest()})
    (tmp_path / "enwik8").write_bytes(data)
    (tmp_path / "enwik8.xz").write_bytes(lzma.compress(data))
    with zipfile.ZipFile(tmp_path / "enwik8.zip", "w") as archive:
        archive.writestr("enwik8", data)
    for name in ("enwik8", "enwik8.xz", "enwik8.zip"):
        made = corpus("enwik8", path=str(tmp_path / name), allow_mismatch=True)
        made.facts = facts  # type: ignore[attr-defined]
        assert b"".join(tokens.tobytes() for tokens in made.splits().values()) == data
        assert {split: len(tokens) for split, tokens in made.splits().items()} == facts.tokens
        assert "mismatch" not in made.identity()
    dropped = corpus("enwik8", path=str(tmp_path / "enwik8"), drop_newlines=True, allow_mismatch=True)
    assert {split: tokens.tobytes() for split, tokens in dropped.splits().items()} == {
        "train": data[:990].replace(b"\n", b""),
        "valid": data[990:1045].replace(b"\n", b""),
        "test": data[1045:].replace(b"\n", b""),
    }
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "other"))  # where nothing passes for the published file
    with pytest.raises(SettingError, match="md5 of the file instead of a1fa5ffddb56f4953e226637dabbb36a"):
        corpus("enwik8", path=str(tmp_path / "enwik8")).prepare()


def test_enwik8_without_newlines_is_another_set_of_facts() -> None:
    kept, dropped = (corpus("enwik8", drop_newlines=drop) for drop in (False, True))
    assert isinstance(kept, Enwik8) and isinstance(dropped, Enwik8)
    assert kept.facts.tokens == {"train": 90_000_000, "valid": 5_000_000, "test": 5_000_000}
    assert dropped.facts.tokens == {"train": 88_982_818} and kept.variant() != dropped.variant()


def test_penn_treebank_out_of_its_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PennTreebank, "facts", Facts(tokens={"train": 8}, vocabulary=6))
    texts = {"train": " no it was n't <unk> \n no \n", "valid": " it was \n", "test": " no \n"}
    with tarfile.open(tmp_path / "simple-examples.tgz", "w:gz") as archive:
        files = {f"ptb.{split}": text for split, text in texts.items()} | {"ptb.char.train": "n o\n"}
        for name, text in files.items():
            member = tarfile.TarInfo(f"./simple-examples/data/{name}.txt")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    made = corpus("penn_treebank", path=str(tmp_path / "simple-examples.tgz"))
    assert made.words() == ["<eos>", "no", "it", "was", "n't", "<unk>"]
    assert made.splits()["train"].tolist() == [1, 2, 3, 4, 5, 0, 1, 0]


def test_penn_treebank_from_single_files_where_the_archive_is_gone(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = b" no it was n't <unk> \n no \n"
    site.data, site.statuses = text, [404]
    md5s = dict.fromkeys(("train", "valid", "test"), hashlib.md5(text).hexdigest())
    monkeypatch.setattr(PennTreebank, "facts", Facts(vocabulary=6, md5=md5s))
    monkeypatch.setattr(PennTreebank, "homepage", site.url)
    monkeypatch.setattr(penn_treebank, "MIRROR", site.url.rpartition("/")[0])
    assert corpus("penn_treebank").words() == ["<eos>", "no", "it", "was", "n't", "<unk>"]
    assert len(site.asked) == 4  # the archive, and three files


BOOKS = [
    {"short_book_title": f"Book {i}", "text": f"Chapter {i}.\r\nAnd so on to the end.\r\n" * i} for i in range(1, 21)
]


def test_pg19_as_bytes_whatever_the_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = Facts(books={"train": 18, "valid": 1, "test": 1})
    monkeypatch.setattr(Pg19Bytes, "facts", facts)
    parts = {"train": BOOKS[:18], "validation": BOOKS[18:19], "test": BOOKS[19:]}
    whole, folder, hub = tmp_path / "books.jsonl", tmp_path / "folder", tmp_path / "hub"
    whole.write_text("".join(f"{json.dumps(book)}\n" for book in BOOKS))
    folder.mkdir()
    hub.mkdir()
    for name, books in parts.items():
        (folder / f"{name}.jsonl.xz").write_bytes(lzma.compress("".join(f"{json.dumps(b)}\n" for b in books).encode()))
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(books), hub / f"{name}-00000-of-00001.parquet")
    texts = {split: b"".join(b["text"].replace("\r\n", "\n").encode() + b"\0" for b in parts[name])
             for split, name in zip(WIKI, parts, strict=True)}  # fmt: skip
    for path in (whole, folder, hub):
        made = corpus("pg19_bytes", path=str(path))
        assert {split: tokens.tobytes() for split, tokens in made.splits().items()} == texts
        assert made.words_of("test") == len(BOOKS[19]["text"].split())
    (folder / "test.jsonl.xz").unlink()
    with pytest.raises(SettingError, match=r"one file test\*\.jsonl in it"):
        corpus("pg19_bytes", path=str(folder)).prepare()


def test_raw_wikitext_from_its_files_and_from_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = {split: text.count("\n") for split, text in WIKI.items()}
    monkeypatch.setattr(Wikitext103Raw, "facts", Facts(lines=lines, words=TOKENS))
    one = corpus("wikitext103_raw", path=str(zipped(tmp_path / "raw.zip", WIKI, end="raw")))
    hub = parquet(tmp_path / "hub", WIKI, config="wikitext-103-raw-v1")
    two = corpus("wikitext103_raw", path=str(hub))
    for made in (one, two):
        assert {split: tokens.tobytes().decode() for split, tokens in made.splits().items()} == WIKI
        assert made.words_of("train") == TOKENS["train"]


def test_local_words_with_rare_ones_unknown(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a b b\nc c a\n")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"a d b\n"))
    files = {"train": [str(tmp_path / "a.txt"), str(tmp_path / "b.txt.gz")], "valid": str(tmp_path / "a.txt")}
    made = corpus("words", **files, test=str(tmp_path / "b.txt.gz"), rarest=2)
    assert made.words() == ["<eos>", "a", "b", "c", "<unk>"]
    assert made.splits()["test"].tolist() == [1, 4, 2, 0]
    assert "nothing is published to compare with" in made.describe() and str(tmp_path) not in repr(made.identity())
    with pytest.raises(SettingError, match=r"data\.test=null: expected the path of a file"):
        corpus("words", **files).prepare()
    with pytest.raises(SettingError, match=r"data\.valid=gone"):
        corpus("words", **files | {"valid": "gone"}, test="gone").prepare()


def test_local_words_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a b\nc \xff\n")
    path = str(tmp_path / "a.txt")
    with pytest.raises(SettingError, match=r"data\.train=.*a\.txt: expected UTF-8 text; line 2 of a\.txt is not"):
        corpus("words", train=[path], valid=path, test=path).prepare()
    with pytest.raises(SettingError, match=r"data\.path=.*expected a known option"):  # the files are named by split
        corpus("words", train=[path], valid=path, test=path, path=path)


def test_books_become_words_in_wikitexts_style(tmp_path: Path) -> None:
    text = 'A well-known\\nman\'s 1,000 dogs.\\n\\n\\"Yes\\" (he said) & left for 3.5 days.'
    (tmp_path / "books.jsonl").write_text(f'{{"text": "{text}"}}\n')
    path = str(tmp_path / "books.jsonl")
    made = corpus("words", train=[path], valid=path, test=path)
    words = made.words() or []
    spelt = " ".join(words[token] for token in made.splits()["train"])
    assert spelt == (
        'A well @-@ known man \'s 1 @,@ 000 dogs . <eos> " Yes " ( he said ) & left for 3 @.@ 5 days . <eos>'
    )


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    (tmp_path / "enwik8").write_bytes(bytes(40_000_000))
    made = corpus("enwik8", path=str(tmp_path / "enwik8"), allow_mismatch=True)
    tracemalloc.start()
    made.prepare()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_published_counts_of_the_real_wikitext() -> None:
    made = corpus("wikitext103", path=str(SHARED / "wikitext103"), allow_mismatch=True)
    found = made.identity()
    facts = Wikitext103.facts
    for split in ("valid", "test"):
        assert found["splits"][split]["tokens"] == facts.tokens[split]
        assert found["splits"][split]["lines"] == facts.lines[split]
        assert found["splits"][split]["md5"] == facts.md5[split]
    assert "valid" not in found["mismatch"] and "test" not in found["mismatch"]
    assert Counter(found["splits"]["train"])["tokens"] == 501_407  # of 103 million


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_head_of_the_real_enwik8() -> None:
    path = SHARED / "enwik8_head" / "enwik8.first4154063.xz"
    made = corpus("enwik8", path=str(path), allow_mismatch=True)
    assert sum(len(tokens) for tokens in made.splits().values()) == 4_154_063
    assert hashlib.md5(made.splits()["train"][:1_000_000].tobytes()).hexdigest() == "83a2cefd8ca00049e0445542dabd25a0"


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_words_of_the_real_wikitext_2() -> None:
    texts = {split: (SHARED / "wikitext2" / f"wiki.{split}.raw.xz") for split in ("valid", "test")}
    for split, file in texts.items():
        words = len(lzma.decompress(file.read_bytes()).split())
        lines = Wikitext103Raw.facts.lines[split]
        assert words + lines == Wikitext103Raw.facts.words[split]  # the same articles as WikiText-103's
