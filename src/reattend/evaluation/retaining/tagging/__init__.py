"""Parts of speech for the tokens of a text: a tagger is one file."""

from reattend.evaluation.retaining.tagging.base import Tagger
from reattend.settings import find_class

__all__ = ["Tagger", "build_tagger"]


def build_tagger(name: str) -> Tagger:
    """The tagger that `task.tagger` names."""
    return find_class(Tagger, __name__, name, setting="task.tagger")()
