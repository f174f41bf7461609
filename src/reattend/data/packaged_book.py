"""Botchan, a novel by Natsume Soseki, translated by Yasotaro Morri, 1919: a book that an ordinary package carries.

Project Gutenberg's e-book 8868, public domain in the USA, is test data of sentencepiece 0.2.3 (Apache-2.0, nothing
else of it is used). Its blank lines were left out there. Of the file, what stands between the lines that mark start
and end of the e-book is read: the licence of Project Gutenberg after it is no prose. Counts: 47,727 words,
255,212 characters; 65,674 tokens for SmolLM2.
"""

from reattend.data.documents import Document, plain
from reattend.data.package_asset import PackageAsset

BOTCHAN = PackageAsset(
    distribution="sentencepiece",
    version="0.2.3",
    member="sentencepiece-0.2.3/test/botchan.txt",
    sha256="464bd5300c24fce16fcc4555d4231a57632caae4d0090ad6aa92854a3b227ba7",
    size=278_779,
    licence="public domain in the USA (Project Gutenberg 8868)",
    archive="source",
)
START = "*** START OF THIS PROJECT GUTENBERG EBOOK BOTCHAN (MASTER DARLING) ***\n"
END = "End of Project Gutenberg's Botchan"
COUNTS = (47_727, 255_212)  # words, characters


def botchan() -> Document:
    """The novel, with its title page and the translator's note."""
    whole = plain(BOTCHAN.path().read_bytes().decode())
    text = whole.partition(START)[2].partition(END)[0]
    counts = len(text.split()), len(text)
    assert counts == COUNTS, f"Botchan has {counts} words and characters, known are {COUNTS}"
    return Document("Botchan by Natsume Soseki", text)
