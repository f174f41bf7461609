"""English Wikipedia as XML, 6,089,746 bytes: the sample dump of May 2016 that the gensim 4.4.0 wheel ships.

Licence of the text: CC BY-SA 3.0 and GFDL (gensim itself, of which nothing else is used: LGPL-2.1).
Counts: 206 pages (106 articles, 100 redirects), 201 distinct bytes, valid UTF-8; split 90/5/5 by bytes as
enwik8 is: train 5,480,771, valid 304,487, test 304,488. `xz` reaches 2.13 bits per byte on the whole file.

Against enwik8: 6.1 instead of 100 MB, a dump of 2016 instead of 2006 with the markup of its day, and the
redirects crowd at the front (60 of 100 lie in the first tenth): bits per byte do not compare with enwik8's.
"""

import bz2
import shutil
from pathlib import Path

from reattend.data.corpus import Corpus, Splits, byte_splits
from reattend.data.package_asset import PackageAsset
from reattend.data.prepared.facts import Facts
from reattend.data.store import stored

DUMP = PackageAsset(
    distribution="gensim",
    version="4.4.0",
    member="gensim/test/test_data/enwiki-latest-pages-articles1.xml-p000000010p000030302-shortened.bz2",
    sha256="a53f4648dec40467ebdcbc7a1307eddb51fe6e28e9309f6ebde81ba0d04bea2d",
    size=1_695_871,
    licence="CC BY-SA 3.0 and GFDL",
    # the wheel of one platform serves all: only a text is taken from it
    pip_options=("--python-version=3.11", "--implementation=cp", "--platform=manylinux_2_28_x86_64"),
)
SIZE = 6_089_746
SHA256 = "34c1c63050c87cc8477b9ae36b1cb0edf372612c92938b742e579a7109c20fa4"
COUNTS = {"train": 5_480_771, "valid": 304_487, "test": 304_488}


class EnwikiSample(Corpus):
    """The unpacked dump as bytes."""

    source = f"{DUMP.requirement}: {DUMP.member}"
    licence = DUMP.licence

    def prepare(self) -> Path:
        return stored("enwiki_sample/enwiki_sample.xml", size=SIZE, sha256=SHA256, make=_unpack)

    def published(self) -> Facts:
        return Facts(tokens=COUNTS)

    def load(self) -> Splits:
        splits = byte_splits(self.prepare())
        counts = {split: len(tokens) for split, tokens in splits.items()}
        assert counts == COUNTS, f"the splits have {counts} bytes, published are {COUNTS}"
        return splits


def _unpack(part: Path) -> None:
    with bz2.open(DUMP.path()) as packed, part.open("wb") as out:
        shutil.copyfileobj(packed, out)
