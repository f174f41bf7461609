"""IWSLT 2014 German-English: TED talks, prepared to the byte as fairseq's prepare-iwslt14.sh does.

The talks' titles, descriptions and sentences -> Moses tokens -> pairs of 1 to 175 tokens a side, at most 1.5 to 1 ->
every 23rd to validate on, the others to train on. The test set is dev2010, TEDX dev2012 and tst2010 to tst2012. Counts
and checksums of what that script makes are checked, so that BLEU can be compared with what others report.
"""

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reattend.data.archive import read_lines
from reattend.data.download import Download
from reattend.data.parallel.cleaning import clean
from reattend.data.parallel.corpus import ParallelCorpus
from reattend.data.parallel.facts import PairFacts
from reattend.data.parallel.moses import tokenise
from reattend.data.parallel.splitting import Pairs
from reattend.data.parallel.tagged import segments, transcript
from reattend.data.parallel.workers import each_line
from reattend.data.store import digest
from reattend.settings import SettingError

if TYPE_CHECKING:
    from reattend.data.parallel.pipeline import Pipeline

URL = "http://dl.fbaipublicfiles.com/fairseq/data/iwslt14/de-en.tgz"  # the campaign's own site is gone since 2020
SIZE = 19_982_877
TRAIN = "de-en/train.tags.de-en.{}"
TESTS = ("TED.dev2010", "TEDX.dev2012", "TED.tst2010", "TED.tst2011", "TED.tst2012")
RATIO, SHORTEST, LONGEST = 1.5, 1, 175  # of a pair of token lines
EVERY = 23  # of the pairs that are left, one is to validate on

PAIRS = {"raw": 174_443, "cleaned": 167_522, "train": 160_239, "valid": 7_283, "test": 6_750}
TOKENS_MD5 = {
    "valid.de": "953cd9a0d85f996861f8f77d93e67f72",
    "valid.en": "481d704963d0a48c29c8822df0c30630",
    "test.de": "0112fd69eacd47e34cd3df11698ff5bc",
    "test.en": "6478cd81d3e2f679fe72c32d43ef659e",
}
MERGES = 10_000  # with which these were made
CODES_MD5 = "52d7e52485ba89a006a6967ade9401ff"
SYMBOLS = {"de": 8_848, "en": 6_632}  # of separate dictionaries
JOINED = 10_152  # about
TOKENS = {"de": 4_035_591, "en": 3_949_114}  # of the train split, an EOS a sentence among them
SUBWORDS_MD5 = {
    "valid.de": "023efc8ed5e8534832438de962a2ec16",
    "valid.en": "b169eb8b09968ac1a99e9a872a95415b",
    "test.de": "5e2e37787cf4d867ab4c3e0474d7421c",
    "test.en": "0673789af54831f98ac303d2ea372c11",
}


class Iwslt14(ParallelCorpus):
    """Fetched once; or `data.path`: the archive de-en.tgz, or the folder it unpacks to."""

    source = "IWSLT 2014 de-en (WIT3, release 2014-01)"
    licence = "CC BY-NC-ND 3.0 (TED)"
    languages = ("de", "en")

    def __init__(self, *, path: str | None = None, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.path = path

    def published(self) -> PairFacts | None:
        recipe = self.recipe
        if recipe.merges == 0:  # words: nobody counted these
            return None
        symbols = dict.fromkeys(SYMBOLS, JOINED) if recipe.joined else SYMBOLS
        source, target = recipe.languages
        return PairFacts(
            pairs=PAIRS["train"],
            tokens=(TOKENS[source], TOKENS[target]),
            vocabulary=(symbols[source] * recipe.merges // MERGES, symbols[target] * recipe.merges // MERGES),
            exact=recipe.lowercase and recipe.merges == MERGES and not recipe.joined and recipe.too_long == "keep",
        )

    def fingerprint(self) -> str:
        if self.path is None:
            return f"{URL} {SIZE}"
        place = self._place()
        files = [place] if place.is_file() else sorted(file for file in place.rglob("*de-en*") if file.is_file())
        return hashlib.sha256("".join(digest(file) for file in files).encode()).hexdigest()

    def _place(self) -> Path:
        if self.path is None:
            relative = "archives/iwslt14/de-en.tgz"
            return Download(url=URL, relative=relative, size=SIZE, setting="data.path", value="null").path()
        path = Path(self.path).expanduser()
        if not path.exists():
            raise SettingError("data.path", self.path, "de-en.tgz or the folder it unpacks to", "Correct data.path.")
        return path

    def raw(self) -> dict[str, Pairs]:
        names = [name.format(code) for code in self.languages for name in (TRAIN, *map(_xml, TESTS))]
        files = read_lines(self._place(), names, setting="data.path")
        train = {code: transcript(files[TRAIN.format(code)]) for code in self.languages}
        test = {
            code: [s for name in TESTS for s in segments(files[_xml(name).format(code)])] for code in self.languages
        }
        cleaned = self._pairs(train, "raw").take(self._clean(train))
        number = range(1, 1 + self._counted("cleaned", len(cleaned.source)))
        return {
            "train": self._split("train", cleaned.take([i - 1 for i in number if i % EVERY])),
            "valid": self._split("valid", cleaned.take([i - 1 for i in number if i % EVERY == 0])),
            "test": self._pairs(test, "test"),
        }

    def _clean(self, train: dict[str, list[str]]) -> list[int]:
        """Which pairs stay; that is decided on their tokens, case does not matter."""
        tokens = [
            each_line(partial(tokenise, language=code), lines, label=f"tokens of raw.{code}")
            for code, lines in train.items()
        ]
        return clean(tokens[0], tokens[1], ratio=RATIO, shortest=SHORTEST, longest=LONGEST).kept

    def _pairs(self, sides: dict[str, list[str]], split: str) -> Pairs:
        for lines in sides.values():
            self._counted(split, len(lines))
        return Pairs(*(sides[code] for code in self.recipe.languages))

    def _split(self, split: str, pairs: Pairs) -> Pairs:
        self._counted(split, len(pairs.source))
        return pairs

    def _counted(self, split: str, found: int) -> int:
        if found != PAIRS[split]:
            raise _other(f"{PAIRS[split]:,} {split} pairs; it has {found:,}", self.path)
        return found

    def verify(self, folder: Path, pipeline: "Pipeline") -> None:
        """Tokens, codes and subwords of the validation and test sets are those of fairseq's script, to the byte."""
        wanted = {f"tokens.{side}": md5 for side, md5 in TOKENS_MD5.items() if self.recipe.lowercase}
        if self.recipe.lowercase and self.recipe.merges == MERGES:
            wanted |= {"codes": CODES_MD5} | {f"subwords.{side}": md5 for side, md5 in SUBWORDS_MD5.items()}
        for name, md5 in wanted.items():
            found = hashlib.md5((folder / name).read_bytes(), usedforsecurity=False).hexdigest()
            if found != md5:
                raise _other(f"{name} with md5 {md5}; it is {found}", self.path)
        if "codes" in wanted and not self.recipe.joined:
            for language in pipeline.sides:
                if len(language.symbols) != SYMBOLS[language.code]:
                    what = f"{SYMBOLS[language.code]:,} symbols of {language.code}; there are {len(language.symbols):,}"
                    raise _other(what, self.path)


def _xml(name: str) -> str:
    return f"de-en/IWSLT14.{name}.de-en.{{}}.xml"


def _other(what: str, path: str | None) -> SettingError:
    expected = f"the whole German-English archive of IWSLT 2014, {what}"
    fix = f"Fetch {URL} anew, or read another corpus as data=tab_separated."
    return SettingError("data.path", path or "null", expected, fix)
