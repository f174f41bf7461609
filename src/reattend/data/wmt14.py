"""WMT 2014 English-German: parliament, web and news, 4.5 million pairs; test set newstest2014 in full.

`data.files=archives` is the route of fairseq's prepare-wmt14en2de.sh --icml17: europarl-v7, commoncrawl and
news-commentary-v9 with normalised punctuation; after BPE, pairs of 1 to 250 subwords a side, at most 1.5 to 1, stay
(`data.max_length`, `data.ratio`). Words are split at hyphens, as its `tokenizer.perl -a` does (`data.split_hyphens`).

`data.files=hub` is the hub's wmt/wmt14, raw text of the same archives.
"""

import hashlib
from functools import partial
from pathlib import Path
from typing import Literal

from reattend.data.archive import read_lines
from reattend.data.download import Download
from reattend.data.hub import hub_folder
from reattend.data.parallel.corpus import ParallelCorpus
from reattend.data.parallel.facts import PairFacts
from reattend.data.parallel.moses import normalise
from reattend.data.parallel.splitting import Pairs
from reattend.data.parallel.tagged import segments
from reattend.data.parallel.workers import each_line
from reattend.settings import SettingError

TRAIN = {  # where a file is, and its name there
    "training/europarl-v7.de-en.{}": "http://statmt.org/wmt13/training-parallel-europarl-v7.tgz",
    "commoncrawl.de-en.{}": "http://statmt.org/wmt13/training-parallel-commoncrawl.tgz",
    "training/news-commentary-v9.de-en.{}": "http://statmt.org/wmt14/training-parallel-nc-v9.tgz",
}
VALID, VALID_URL = "dev/newstest2013.{}", "http://data.statmt.org/wmt17/translation-task/dev.tgz"
TEST, TEST_URL = "test-full/newstest2014-deen-{}.{}.sgm", "http://statmt.org/wmt14/test-full.tgz"
MD5 = {TEST_URL: "a8cd784e006feb32ac6f3d9ec7eb389a"}
SGM_MD5 = {
    "src.en": "5bc31d8d48424640197b89e00cedabb2",
    "ref.de": "a05cee5504baa520c1a63b104bb56c87",
    "src.de": "7183d7875ea7ba4a12731140acc8cc8f",
    "ref.en": "7f907030087b88aeae0303f11378afa4",
}
EVERY = 100  # of the train pairs, one is to validate on with data.valid=every_100th
REPOSITORY = "wmt/wmt14"
# of another preparation, Google's with 32,000 merges, as fairseq's log has it; an EOS a sentence among the tokens
GOOGLE_PAIRS, GOOGLE_TOKENS = 4_500_966, {"en": 132_886_171, "de": 137_628_246}
PAIRS = {"hub": {"train": 4_508_785, "valid": 3_000, "test": 3_003}, "archives": {"valid": 3_000, "test": 3_003}}


class Wmt14(ParallelCorpus):
    """Fetched once (1.6 GB of archives, or 0.8 GB of the hub); or `data.path`: a folder with the archives or files."""

    licence = "not stated; for research"
    languages = ("de", "en")

    def __init__(
        self,
        *,
        files: Literal["archives", "hub"],
        valid: Literal["newstest2013", "every_100th"],
        path: str | None = None,
        revision: str | None = None,
        **options: object,
    ) -> None:
        """`revision`: of the hub's repository; `path` is for the archives."""
        super().__init__(**options)  # type: ignore[arg-type]
        self.files, self.valid, self.path, self.revision = files, valid, path, revision
        if path is not None and files == "hub":
            raise SettingError("data.path", path, "null with data.files=hub", "Add data.files=archives.")
        origin = f"{REPOSITORY}@{revision or 'main'}" if files == "hub" else "statmt.org, europarl, commoncrawl, news"
        self.source = f"WMT 2014 de-en ({origin}), valid {valid}"

    def published(self) -> PairFacts | None:
        recipe = self.recipe
        if recipe.merges == 0:  # words: nobody counted these
            return None
        source, target = recipe.languages
        return PairFacts(
            pairs=GOOGLE_PAIRS,
            tokens=(GOOGLE_TOKENS[source], GOOGLE_TOKENS[target]),
            vocabulary=(recipe.merges, recipe.merges),  # a joined dictionary has about as many symbols
            exact=False,
        )

    def fingerprint(self) -> str:
        if self.path is None:
            return self.source
        files = sorted(file for file in self._folder_given().rglob("*") if file.is_file())
        sizes = [f"{file.relative_to(self._folder_given())} {file.stat().st_size}" for file in files]
        return hashlib.sha256("\n".join([self.source, *sizes]).encode()).hexdigest()  # gigabytes: not their contents

    def _folder_given(self) -> Path:
        folder = Path(self.path or "").expanduser()
        if not folder.is_dir():
            raise SettingError("data.path", self.path, "a folder with the archives of WMT 2014", "Correct data.path.")
        return folder

    def raw(self) -> dict[str, Pairs]:
        splits = self._of_hub() if self.files == "hub" else self._of_archives()
        for split, count in PAIRS[self.files].items():
            found = len(splits[split].source) if split in splits else count
            if found != count:
                expected = f"{count:,} {split} pairs of WMT 2014; there are {found:,}"
                raise SettingError("data.files", self.files, expected, "Fetch the files of that split anew.")
        return splits if self.valid == "newstest2013" else splits | self._divided(splits["train"])

    def _divided(self, train: Pairs) -> dict[str, Pairs]:
        number = range(1, 1 + len(train.source))
        return {
            "train": train.take([i - 1 for i in number if i % EVERY]),
            "valid": train.take([i - 1 for i in number if i % EVERY == 0]),
        }

    def _of_archives(self) -> dict[str, Pairs]:
        names = [TEST.format(side, code) for side, code in self._test_sides()]
        lines = self._read(TEST_URL, names)
        for name, (side, code) in zip(names, self._test_sides(), strict=True):
            self._check_sgm(name, lines[name], SGM_MD5[f"{side}.{code}"])
        splits = {"train": self._train(), "test": Pairs(*(segments(lines[name]) for name in names))}
        return splits | ({"valid": self._newstest2013()} if self.valid == "newstest2013" else {})

    def _test_sides(self) -> list[tuple[str, str]]:
        source, target = self.recipe.languages
        return [("src", source), ("ref", target)]

    def _check_sgm(self, name: str, lines: list[str], md5: str) -> None:
        found = hashlib.md5("".join(f"{line}\n" for line in lines).encode(), usedforsecurity=False).hexdigest()
        if found != md5:
            fix = f"Take the file out of {TEST_URL}."
            raise SettingError("data.path", self.path or "null", f"{name} with md5 {md5}, not {found}", fix)

    def _train(self) -> Pairs:
        sides: dict[str, list[str]] = {code: [] for code in self.recipe.languages}
        for name, url in TRAIN.items():
            files = self._read(url, [name.format(code) for code in sides])
            for code, lines in sides.items():
                lines += files[name.format(code)]
            if len({len(lines) for lines in sides.values()}) > 1:
                expected = f"as many lines in either language of {Path(name).stem}"
                raise SettingError("data.path", self.path or "null", expected, f"Fetch {url} anew.")
        normal = (
            each_line(partial(normalise, language=code), lines, label=f"train.{code}") for code, lines in sides.items()
        )
        return Pairs(*normal)

    def _newstest2013(self) -> Pairs:
        names = [VALID.format(code) for code in self.recipe.languages]
        files = self._read(VALID_URL, names)
        return Pairs(*([line.replace("’", "'").strip() for line in files[name]] for name in names))

    def _read(self, url: str, names: list[str]) -> dict[str, list[str]]:
        """Files of one archive: downloaded, or in `data.path` as it is or unpacked."""
        archive = Path(url).name
        if self.path is None:
            where = Download(
                url=url, relative=f"archives/wmt14/{archive}", md5=MD5.get(url), setting="data.path", value="null"
            ).path()
        else:
            packed = self._folder_given() / archive
            where = packed if packed.is_file() else self._folder_given()
        return read_lines(where, names, setting="data.path")

    def _of_hub(self) -> dict[str, Pairs]:
        import pyarrow.parquet  # type: ignore[import-untyped]

        folder = hub_folder(
            REPOSITORY,
            kind="dataset",
            revision=self.revision,
            patterns=("de-en/*.parquet",),
            setting="data.files",
            value=self.files,
            instead="Connect to the network once, or take data.files=archives data.path=FOLDER.",
        )
        splits = {}
        for split, prefix in (("train", "train"), ("valid", "validation"), ("test", "test")):
            sides: dict[str, list[str]] = {code: [] for code in self.recipe.languages}
            for file in sorted((folder / "de-en").glob(f"{prefix}-*.parquet")):
                column = pyarrow.parquet.read_table(file, columns=["translation"]).column("translation")
                for chunk in column.chunks:
                    for code, lines in sides.items():
                        lines += [_one_line(line) for line in chunk.field(code).to_pylist()]
            splits[split] = Pairs(*sides.values())
        return splits


def _one_line(line: str) -> str:
    return line.replace("\n", " ").strip()
