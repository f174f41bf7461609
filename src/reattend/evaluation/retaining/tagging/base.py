"""What gives words their parts of speech, in the tags of the Penn Treebank (Marcus et al. 1993)."""

from abc import ABC, abstractmethod
from collections.abc import Sequence


class Tagger(ABC):
    """An option is one module of this folder."""

    @abstractmethod
    def identity(self) -> str:
        """Its name and version, for the record."""

    @abstractmethod
    def tag(self, words: Sequence[str]) -> list[str]:
        """A tag for each word of one sentence; no word is empty or holds a blank."""
