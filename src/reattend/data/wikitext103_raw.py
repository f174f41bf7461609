"""WikiText-103 as it was before rare words became `<unk>`, as bytes (Merity et al., arXiv 1609.07843).

Any text can be read so, with nothing unknown; scores are bits per byte, and per word and line end, as
`data=wikitext103` counts them (245,569 in the test split). A byte model predicts the words that `<unk>` hides: the two
are not one task.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reattend.data.prepared.corpus import Prepared, Route
from reattend.data.prepared.facts import Facts
from reattend.data.prepared.members import member
from reattend.data.prepared.shards import SPLITS, Writer
from reattend.data.prepared.wikitext import LICENCE, SITE, all_parquet, parquet_lines, parquet_of, routes

CONFIG = "wikitext-103-raw-v1"  # of the hub, and the archive's name
BLANK = " \n"  # how the files have a blank line; the hub has it as nothing


class Wikitext103Raw(Prepared):
    """`data=wikitext103_raw`; or `data.path`: wikitext-103-raw-v1.zip, or a folder with wiki.train.raw and so on."""

    source = "WikiText-103 raw v1"
    licence = LICENCE
    files = ("wiki.train*.raw", "wiki.valid*.raw", "wiki.test*.raw")
    homepage = SITE
    facts = Facts(
        lines={"train": 1_801_350, "valid": 3_760, "test": 4_358},
        words={"valid": 217_646, "test": 245_569},
        about={"train": 540_000_000},
    )

    def routes(self) -> Sequence[Route]:
        return routes(CONFIG)

    def sources(self, files: Path) -> list[Path]:
        return all_parquet(files, CONFIG) or super().sources(files)

    def write(self, files: Path, writer: Writer) -> Mapping[str, Any]:
        for split, name in zip(SPLITS, self.files, strict=True):
            count = Counter[str]()
            if parquet := parquet_of(files, CONFIG, split):
                writer.split(split, _bytes(((row or BLANK).encode() for row in parquet_lines(parquet)), count))
            else:
                with member(files, name) as stream:
                    writer.split(split, _bytes(stream, count))
            writer.splits[split].update(count)
        return {}

    def words_of(self, split: str) -> int:
        return int(self.shards.manifest["splits"][split]["words"])


def _bytes(lines: Iterable[bytes], count: Counter[str]) -> Iterator[np.ndarray]:
    for line in lines:
        count["lines"] += 1
        count["words"] += len(line.split()) + 1  # and the line's end
        yield np.frombuffer(line, dtype=np.uint8)
