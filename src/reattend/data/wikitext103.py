"""WikiText-103, word level: 103 million words of Wikipedia's good articles (Merity et al., arXiv 1609.07843).

Counts are words and one `<eos>` a line, blank lines included: 103,227,021 / 217,646 / 245,569, and 267,735 different
ones. WikiText-2 has the same test text with other `<unk>`s: their perplexities do not compare.
"""

from reattend.data.prepared.facts import Facts
from reattend.data.prepared.wikitext import WikitextWords


class Wikitext103(WikitextWords):
    """`data=wikitext103`; or `data.path`: wikitext-103-v1.zip, or a folder with wiki.train.tokens and the others."""

    source = "WikiText-103 v1"
    config = "wikitext-103-v1"
    archive_md5 = "9ddaacaf6af0710eda8c456decff7832"
    facts = Facts(
        tokens={"train": 103_227_021, "valid": 217_646, "test": 245_569},
        lines={"train": 1_801_350, "valid": 3_760, "test": 4_358},
        vocabulary=267_735,
        md5={"valid": "b465742f79b17b85bad5699479b13301", "test": "f202e4c8148839782adc13e7d1ca58e0"},
    )
