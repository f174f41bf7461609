"""text8: the first 100,000,000 characters of cleaned Wikipedia text, letters a to z and blanks (Matt Mahoney).

Split 90, 5 and 5 million, as is usual; a character is a byte, so bits per byte are bits per character.
"""

from collections.abc import Sequence

from reattend.data.prepared.byte_level import ByteFile
from reattend.data.prepared.corpus import Route
from reattend.data.prepared.facts import Facts
from reattend.data.prepared.routes import Archive

MIRROR = "https://github.com/piskvorky/gensim-data/releases/download/text8/text8.gz"
ZIP_SHA256 = "a6640522afe85d1963ad56c05b0ede0a0c000dddc9671758a6cc09b7a38e5232"
MD5 = "3bea1919949baf155f99411df5fada7e"


class Text8(ByteFile):
    """`data=text8`; or `data.path`: text8.zip, or the file itself, which may be packed."""

    source = "text8 (Matt Mahoney)"
    licence = "GFDL and CC BY-SA"
    files = ("text8*",)
    homepage = "http://mattmahoney.net/dc/text8.zip"
    facts = Facts(tokens={"train": 90_000_000, "valid": 5_000_000, "test": 5_000_000}, md5={"": MD5})

    def routes(self) -> Sequence[Route]:
        return (
            Archive(url=self.homepage, relative="archives/text8.zip", sha256=ZIP_SHA256),
            Archive(url=MIRROR, relative="archives/text8.gz"),
        )
