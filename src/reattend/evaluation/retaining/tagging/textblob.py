"""TextBlob's tagger: a lexicon and rules after Brill, from pattern.en; it comes with the package and needs no download.

It gives the tags of the Penn Treebank, as the NLTK tagger of arXiv 2401.06104 does, but is another tagger.
"""

from collections.abc import Sequence
from importlib.metadata import version

from textblob.en.taggers import PatternTagger

from reattend.evaluation.retaining.tagging.base import Tagger


class TextBlob(Tagger):
    def __init__(self) -> None:
        self.tagger = PatternTagger()

    def identity(self) -> str:
        return f"textblob {version('textblob')}"

    def tag(self, words: Sequence[str]) -> list[str]:
        tags = [tag for _, tag in self.tagger.tag(" ".join(words), tokenize=False)]
        assert len(tags) == len(words)
        return tags
