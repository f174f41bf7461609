"""Multi30k, task 1: 30 thousand descriptions of pictures in English and German.

Citation: Elliott, Frank, Sima'an and Specia (2016), Multi30K: multilingual English-German image descriptions.
"""

import hashlib
from pathlib import Path
from typing import Literal

from reattend.data.archive import read_lines
from reattend.data.parallel.corpus import ParallelCorpus
from reattend.data.parallel.splitting import Pairs
from reattend.settings import SettingError

PAIRS = {"train": 29_000, "val": 1_014, "test_2016_flickr": 1_000, "test_2017_flickr": 1_000}
SITE = "https://github.com/multi30k/dataset, data/task1/raw"


class Multi30k(ParallelCorpus):
    """`data.path`: a folder with train.de, train.en, val.de, ..., as they are or as .gz."""

    source = "Multi30k, task 1 (github.com/multi30k/dataset)"
    licence = "not stated by its authors; for research"
    languages = ("de", "en")

    def __init__(
        self,
        *,
        path: str | None,
        test: Literal["test_2016_flickr", "test_2017_flickr"] = "test_2016_flickr",
        **options: object,
    ) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.path, self.test = path, test
        self.source = f"{type(self).source}, {test}"

    def fingerprint(self) -> str:
        lines = (line for name, found in self._files().items() for line in (name, *found))
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def _files(self) -> dict[str, list[str]]:
        if self.path is None or not Path(self.path).expanduser().is_dir():
            fix = f"Add data.path=FOLDER with the files of {SITE}."
            raise SettingError("data.path", self.path or "null", "a folder with train.de, train.en and so on", fix)
        names = [f"{split}.{code}" for split in ("train", "val", self.test) for code in self.recipe.languages]
        return read_lines(Path(self.path).expanduser(), names, setting="data.path")

    def raw(self) -> dict[str, Pairs]:
        files = self._files()
        for name, lines in files.items():
            count = PAIRS[name.partition(".")[0]]
            if len(lines) != count:
                expected = f"{count:,} lines in {name}; it has {len(lines):,}"
                raise SettingError("data.path", self.path, expected, f"Take the files of {SITE}.")
        return {
            split: Pairs(*([line.strip() for line in files[f"{name}.{code}"]] for code in self.recipe.languages))
            for split, name in (("train", "train"), ("valid", "val"), ("test", self.test))
        }
