"""enwik8: the first 100,000,000 bytes of the English Wikipedia dump of March 2006, as bytes.

Split as salesforce/awd-lstm-lm's prep_enwik8.py does: 90, 5 and 5 million bytes. `data.drop_newlines=true` leaves out
line feeds, as Transformer-XL's reader does (88,982,818 symbols to train on): that raises bits per symbol by about 0.02,
so the two are different tasks and never stand in one table.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from reattend.data.prepared.byte_level import ByteFile
from reattend.data.prepared.corpus import Route
from reattend.data.prepared.facts import Facts
from reattend.data.prepared.routes import Archive

NEWLINE = 10
MIRROR = "https://data.deepai.org/enwik8.zip"
SIZE, ZIP_SHA256 = 36_445_475, "547994d9980ebed1288380d652999f38a14fe291a6247c157c3d33d4932534bc"
MD5 = "a1fa5ffddb56f4953e226637dabbb36a"


class Enwik8(ByteFile):
    """`data=enwik8`; or `data.path`: enwik8.zip, or the file itself, which may be packed."""

    source = "enwik8 (Large Text Compression Benchmark)"
    licence = "GFDL and CC BY-SA"
    files = ("enwik8*",)
    homepage = "http://mattmahoney.net/dc/enwik8.zip"

    def __init__(self, *, drop_newlines: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.drop_newlines = drop_newlines
        whole = {"train": 90_000_000, "valid": 5_000_000, "test": 5_000_000}
        self.facts = Facts(tokens={"train": 88_982_818} if drop_newlines else whole, md5={"": MD5})

    def routes(self) -> Sequence[Route]:
        known: dict[str, Any] = {"relative": "archives/enwik8.zip", "size": SIZE, "sha256": ZIP_SHA256}
        return tuple(Archive(url=url, **known) for url in (self.homepage, MIRROR))

    def variant(self) -> str:
        return "without_newlines" if self.drop_newlines else "bytes"

    def kept(self, piece: np.ndarray) -> np.ndarray:
        return piece[piece != NEWLINE] if self.drop_newlines else piece
