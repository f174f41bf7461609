"""WMT14 out of miniature archives and a miniature copy of the hub's repository, and the real test set where it is."""

import hashlib
import io
import lzma
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from tiny import options

from reattend.data import ParallelCorpus, build_parallel, wmt14
from reattend.data.parallel.splitting import Pairs
from reattend.settings import SettingError

SHARED = Path(__file__).parents[2] / "../shared/data/newstest2014_ende"


def sgm(side: str, code: str, lines: list[str]) -> str:
    segs = "".join(f'<seg id="{i}">{line}</seg>\n' for i, line in enumerate(lines, 1))
    return f'<{side}set setid="newstest2014">\n<doc docid="1">\n<p>\n{segs}</p>\n</doc>\n</{side}set>\n'


def archives() -> dict[str, dict[str, str]]:
    files: dict[str, dict[str, str]] = {}
    for code, word in (("de", "Haus"), ("en", "house")):
        for i, (name, url) in enumerate(wmt14.TRAIN.items()):
            text = "".join(f"„{word}“ – {i} {line}\r\n" for line in range(70))
            files.setdefault(Path(url).name, {})[name.format(code)] = text
        files.setdefault("dev.tgz", {})[f"dev/newstest2013.{code}"] = f"{word}’s „1“\n{word} 2\n"
        for side in ("src", "ref"):
            name = f"test-full/newstest2014-deen-{side}.{code}.sgm"
            files.setdefault("test-full.tgz", {})[name] = sgm(side, code, [f"{word}’s {side}", "„2“", "3"])
    return files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(wmt14, "PAIRS", {"archives": {"valid": 2, "test": 3}, "hub": {"train": 4}})
    md5 = {name: hashlib.md5(text.encode()).hexdigest() for name, text in archives()["test-full.tgz"].items()}
    sides = {f"{side}.{code}": wmt14.TEST.format(side, code) for side in ("src", "ref") for code in ("de", "en")}
    monkeypatch.setattr(wmt14, "SGM_MD5", {short: md5[name] for short, name in sides.items()})
    (folder := tmp_path / "files").mkdir()
    for archive, files in archives().items():
        with tarfile.open(folder / archive, "w:gz") as tar:
            for name, text in files.items():
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
    return folder


def corpus(**changed: Any) -> ParallelCorpus:
    return build_parallel({**options("data")["wmt14"], **changed})


def test_archives_with_newstest2013(folder: Path) -> None:
    splits = corpus(path=str(folder)).raw()
    assert len(splits["train"].source) == len(splits["train"].target) == 210
    assert (splits["train"].source[0], splits["train"].target[-1]) == ('"house" - 0 0', '"Haus" - 2 69')  # normalised
    assert splits["valid"] == Pairs(["house's „1“", "house 2"], ["Haus's „1“", "Haus 2"])
    assert splits["test"] == Pairs(["house's src", "„2“", "3"], ["Haus's ref", "„2“", "3"])


def test_every_100th_pair_to_validate_on(folder: Path) -> None:
    whole = corpus(path=str(folder)).raw()["train"].source
    (folder / "dev.tgz").unlink()  # nobody needs it then
    splits = corpus(path=str(folder), valid="every_100th").raw()
    assert splits["valid"].source == [whole[99], whole[199]]
    assert splits["train"].source == whole[:99] + whole[100:199] + whole[200:]


def test_the_other_direction_reads_the_other_files(folder: Path) -> None:
    splits = corpus(path=str(folder), direction="de-en").raw()
    assert (splits["test"].source[0], splits["test"].target[0]) == ("Haus's src", "house's ref")
    assert splits["train"].source[0] == '"Haus" - 0 0'


def test_unpacked_files_serve_as_well(folder: Path) -> None:
    expected = corpus(path=str(folder)).raw()
    for archive, files in archives().items():
        (folder / archive).unlink()
        for name, text in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    assert corpus(path=str(folder)).raw() == expected


def test_pairs_are_dropped_after_bpe_and_counted(folder: Path) -> None:
    made = corpus(path=str(folder), merges=40, max_length=8)
    splits = made.manifest["splits"]
    assert splits["train"]["pairs"] + sum(splits["train"]["dropped"].values()) == 210
    assert splits["test"]["pairs"] == 3  # a test set is scored as it is


def test_another_test_set_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(wmt14.PAIRS["archives"], "test", 3_003)
    with pytest.raises(SettingError, match="3,003 test pairs of WMT 2014; there are 3"):
        corpus(path=str(folder)).raw()
    monkeypatch.setitem(wmt14.SGM_MD5, "ref.de", "0" * 32)
    with pytest.raises(SettingError, match=r"ref\.de\.sgm with md5 0000"):
        corpus(path=str(folder)).raw()


def test_a_line_too_many_is_refused(folder: Path) -> None:
    (folder / "training-parallel-commoncrawl.tgz").unlink()
    (folder / "commoncrawl.de-en.de").write_text("eins\nzwei\n")
    (folder / "commoncrawl.de-en.en").write_text("one\n")
    with pytest.raises(SettingError, match=r"as many lines in either language of commoncrawl\.de-en"):
        corpus(path=str(folder)).raw()


def test_another_archive_is_another_source(folder: Path) -> None:
    before = corpus(path=str(folder)).fingerprint()
    (folder / "dev.tgz").write_bytes(b"another")
    assert corpus(path=str(folder)).fingerprint() != before


def test_the_hub_s_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "de-en").mkdir()
    for name, lines in (("train-0", 3), ("train-1", 1), ("validation-0", 2), ("test-0", 2)):
        rows = [{"de": f"{name} de {i}", "en": f"{name}\nen {i} "} for i in range(lines)]
        pyarrow.parquet.write_table(pa.table({"translation": rows}), folder / "de-en" / f"{name}.parquet")
    monkeypatch.setattr(wmt14, "hub_folder", lambda *args, **kwargs: folder)
    splits = corpus(files="hub").raw()
    assert splits["train"].source == ["train-0 en 0", "train-0 en 1", "train-0 en 2", "train-1 en 0"]
    assert splits["train"].target[-1] == "train-1 de 0"
    assert splits["valid"].target == ["validation-0 de 0", "validation-0 de 1"]
    monkeypatch.setitem(wmt14.PAIRS["hub"], "train", 4_508_785)
    with pytest.raises(SettingError, match="4,508,785 train pairs of WMT 2014; there are 4"):
        corpus(files="hub").raw()


def test_settings_that_contradict_each_other() -> None:
    with pytest.raises(SettingError, match=r"data\.path=x: expected null with data\.files=hub"):
        corpus(files="hub", path="x")
    with pytest.raises(SettingError, match=r"data\.path=/gone: expected a folder"):
        corpus(path="/gone").fingerprint()


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("direction", ["en-de", "de-en"])
def test_the_real_test_set(direction: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # the published checksums
    monkeypatch.setattr(wmt14, "PAIRS", {"archives": {"valid": 2, "test": 3_003}})
    (folder / "test-full.tgz").unlink()
    for file in SHARED.glob("*.sgm.xz"):
        (folder / file.name).write_bytes(file.read_bytes())
    found = corpus(path=str(folder), direction=direction).raw()["test"]
    assert len(found.source) == len(found.target) == 3_003 and all(map(all, found))
    german = found.source if direction == "de-en" else found.target
    text = lzma.decompress((SHARED / "newstest2014-deen-ref.de.sgm.xz").read_bytes()).decode()
    assert f">{german[0]}<" in text
