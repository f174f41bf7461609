"""WikiText-2, word level: 2 million words (Merity et al., arXiv 1609.07843).

Counts are words and one `<eos>` a line, blank lines included. The valid and test texts are WikiText-103's, with more
words replaced by `<unk>`, so that perplexities are lower and do not compare.
"""

from reattend.data.prepared.facts import Facts
from reattend.data.prepared.wikitext import WikitextWords


class Wikitext2(WikitextWords):
    """`data=wikitext2`; or `data.path`: wikitext-2-v1.zip, or a folder with wiki.train.tokens and the others."""

    source = "WikiText-2 v1"
    config = "wikitext-2-v1"
    archive_md5 = "542ccefacc6c27f945fb54453812b3cd"
    facts = Facts(
        tokens={"train": 2_088_628, "valid": 217_646, "test": 245_569},
        lines={"train": 36_718, "valid": 3_760, "test": 4_358},
        vocabulary=33_278,
        md5={"valid": "d756d22ab2310e7e60c094bea5c5a8eb", "test": "781c9418ab9414bd09e4aad825aae752"},
    )
