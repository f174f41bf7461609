"""IWSLT14 out of a miniature archive with every oddity of the real one, and the published checksums on real files."""

import hashlib
import io
import lzma
import tarfile
from pathlib import Path
from typing import Any

import pytest
from tiny import options

from reattend.data import ParallelCorpus, build_parallel, iwslt14
from reattend.data.parallel.pipeline import Language, Pipeline
from reattend.settings import SettingError

SHARED = Path(__file__).parents[2] / "../shared/data/iwslt14_de_en"

HEAD = """<url>http://example.org/{code}/talk</url>
<keywords>talks, tests</keywords>
<speaker>A. Speaker</speaker>
<talkid>7</talkid>
<title>{title}</title>
<description>{description}</description>
"""
TAIL = '<reviewer href="http://example.org/r">A. Reviewer</reviewer>\n<translator></translator>\n'
SPOKEN = [(f"Hier kommt Satz {i}.", f"This is sentence {i}.") for i in range(1, 44)]
DROPPED = [("", ""), ("Ja.", "Yes, I do think so."), ("wort " * 176, "word " * 176)]
KEPT = [
    ("<speaker>A. Speaker</speaker>", "<speaker>A. Speaker</speaker>"),  # the script knows nothing of this tag
    ("Der Anfang", "The beginning"),
    ("Über Anfänge: ein Vortrag", "On beginnings: a talk"),
    *SPOKEN[:10],
    ("Tom & Anna's „Café“", "Tom & Anna's “café”"),
    *SPOKEN[10:],
    ("wort " * 174 + "wort", "word " * 174 + "word"),
    *[('<reviewer href="http://example.org/r">A. Reviewer</reviewer>',) * 2, ("<translator></translator>",) * 2],
]
TESTS = {
    "TED.dev2010": [("Es geht’s &amp; gut .", "It’s &amp; fine .")],
    "TEDX.dev2012": [("Zwei", "Two"), ("Drei", "Three")],
    "TED.tst2010": [("Vier", "Four")],
    "TED.tst2011": [("Fünf", "Five")],
    "TED.tst2012": [("in den U.S.A.", "in the U.S.")],
}
PAIRS = {"raw": 53, "cleaned": 50, "train": 48, "valid": 2, "test": 6}


def members() -> dict[str, str]:
    files = {}
    for side, code in enumerate(("de", "en")):
        spoken = [*SPOKEN[:10], KEPT[13], *DROPPED, *SPOKEN[10:], KEPT[47]]
        title, description = KEPT[1][side], KEPT[2][side]
        head = HEAD.format(code=code, title=title, description=description)
        files[f"de-en/train.tags.de-en.{code}"] = head + "".join(f"{pair[side]} \n" for pair in spoken) + TAIL
        for name, pairs in TESTS.items():
            text = f'<?xml version="1.0"?>\n<mteval>\n<doc docid="1">\n<title>{name}</title>\n'
            text += "".join(f'<seg id="{i}"> {pair[side]} </seg>\n' for i, pair in enumerate(pairs, 1))
            files[f"de-en/IWSLT14.{name}.de-en.{code}.xml"] = text + "</doc>\n</mteval>\n"
    return files | {"de-en/README": "notes", "de-en/train.en": "more English"}


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(iwslt14, "PAIRS", {**PAIRS})
    monkeypatch.setattr(iwslt14, "TOKENS_MD5", {})
    with tarfile.open(tmp_path / "de-en.tgz", "w:gz") as tar:
        for name, text in members().items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return tmp_path / "de-en.tgz"


def corpus(**changed: Any) -> ParallelCorpus:
    return build_parallel({**options("data")["iwslt14"], **changed})


def test_every_step_of_the_script(archive: Path) -> None:
    splits = corpus(path=str(archive)).raw()
    kept = [(one.strip(), other.strip()) for one, other in KEPT]
    assert list(zip(*splits["valid"], strict=True)) == [kept[22], kept[45]]
    assert list(zip(*splits["train"], strict=True)) == [*kept[:22], *kept[23:45], *kept[46:]]


def test_the_test_set_in_the_order_of_its_files(archive: Path) -> None:
    found = corpus(path=str(archive)).raw()["test"]
    assert found.source == ["Es geht's &amp; gut .", "Zwei", "Drei", "Vier", "Fünf", "in den U.S.A."]
    assert found.target == ["It's &amp; fine .", "Two", "Three", "Four", "Five", "in the U.S."]


def test_either_direction_has_the_same_pairs(archive: Path) -> None:
    forth, back = (corpus(path=str(archive), direction=direction).raw() for direction in ("de-en", "en-de"))
    assert {split: (pairs.target, pairs.source) for split, pairs in back.items()} == forth


def test_an_unpacked_folder_serves_as_well(archive: Path, tmp_path: Path) -> None:
    for name, text in members().items():
        (file := tmp_path / "unpacked" / name).parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    for folder in ("unpacked", "unpacked/de-en"):
        assert corpus(path=str(tmp_path / folder)).raw() == corpus(path=str(archive)).raw()


def test_an_archive_placed_in_the_cache_needs_no_network(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iwslt14, "SIZE", archive.stat().st_size)
    (place := tmp_path / "home" / "archives" / "iwslt14" / "de-en.tgz").parent.mkdir(parents=True)
    expected = corpus(path=str(archive)).raw()
    archive.rename(place)
    assert corpus().raw() == expected


def test_prepared_tokens_are_checked(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = "it &apos;s &amp; amp ; fine .\ntwo\nthree\nfour\nfive\nin the u.s .\n"
    monkeypatch.setattr(iwslt14, "TOKENS_MD5", {"test.en": hashlib.md5(tokens.encode()).hexdigest()})
    made = corpus(path=str(archive), merges=30)
    assert {split: found["pairs"] for split, found in made.manifest["splits"].items()} == {
        "train": 48,
        "valid": 2,
        "test": 6,
    }
    assert made.pipeline.tokenised(made.pipeline.encode_target("in the U.S.")) == "in the u.s ."
    monkeypatch.setattr(iwslt14, "TOKENS_MD5", {"test.en": "0" * 32})
    with pytest.raises(SettingError, match=r"tokens\.test\.en with md5 0000"):
        corpus(path=str(archive), merges=31).prepare()
    corpus(path=str(archive), merges=30, lowercase=False).prepare()  # nothing is published of it


@pytest.mark.parametrize("split", PAIRS)
def test_another_count_is_refused(split: str, archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(iwslt14.PAIRS, split, 1_234)
    with pytest.raises(SettingError, match=f"1,234 {split} pairs; it has {PAIRS[split]}"):
        corpus(path=str(archive)).raw()


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"data\.path=.*gone"):
        corpus(path=str(tmp_path / "gone")).raw()
    with pytest.raises(SettingError, match=r"train\.tags\.de-en\.de"):
        corpus(path=str(tmp_path)).raw()


def test_a_changed_file_is_another_source(archive: Path, tmp_path: Path) -> None:
    before = corpus(path=str(archive)).fingerprint()
    archive.write_bytes(archive.read_bytes() + b"\0")
    assert corpus(path=str(archive)).fingerprint() != before != corpus().fingerprint()


@pytest.mark.parametrize("direction", ["fr-en", "de-de"])
def test_other_languages_are_refused(direction: str) -> None:
    with pytest.raises(SettingError, match=r"data\.direction"):
        corpus(direction=direction)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_published_checksums_are_those_of_fairseq_s_files(tmp_path: Path) -> None:
    for folder, stage in (("tok", "tokens"), ("bpe10k", "subwords")):
        for file in (SHARED / folder).glob("[vt]*.xz"):
            (tmp_path / f"{stage}.{file.stem}").write_bytes(lzma.decompress(file.read_bytes()))
    (tmp_path / "codes").write_bytes(lzma.decompress((SHARED / "bpe10k" / "code.xz").read_bytes()))
    corpus().verify(tmp_path, with_symbols(8_848, 6_632))
    with pytest.raises(SettingError, match="8,848 symbols of de; there are 8,847"):
        corpus().verify(tmp_path, with_symbols(8_847, 6_632))
    for file in sorted(tmp_path.iterdir()):
        data = file.read_bytes()
        file.write_bytes(data[:-1])
        with pytest.raises(SettingError, match=file.name):
            corpus().verify(tmp_path, with_symbols(8_848, 6_632))
        file.write_bytes(data)


def with_symbols(german: int, english: int) -> Pipeline:
    """A pipeline of dictionaries of these sizes."""
    sizes = {"de": german, "en": english}
    sides = (Language(code, True, False, (), tuple(map(str, range(size)))) for code, size in sizes.items())
    return Pipeline(*sides)


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_published_count_of_the_test_set(archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder := tmp_path / "de-en").mkdir()
    for name, text in members().items():
        if "train" in name:
            (tmp_path / name).write_text(text, encoding="utf-8")
    for file in (SHARED / "orig_xml").glob("*.xz"):
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setitem(iwslt14.PAIRS, "test", 6_750)
    found = corpus(path=str(tmp_path)).raw()["test"]
    assert len(found.source) == len(found.target) == 6_750
