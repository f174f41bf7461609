"""NLTK's averaged perceptron, the tagger of arXiv 2401.06104; its weights are a download of NLTK's own."""

from collections.abc import Sequence
from importlib.metadata import version

from nltk.tag import PerceptronTagger

from reattend.evaluation.retaining.tagging.base import Tagger
from reattend.settings import SettingError

DATA = "averaged_perceptron_tagger_eng"  # three files of JSON


class Nltk(Tagger):
    """Looks for its weights where NLTK does: in the folders of NLTK_DATA, `~/nltk_data` and the system's."""

    def __init__(self) -> None:
        try:
            self.tagger = PerceptronTagger()
        except LookupError:
            expected = f"its weights, {DATA}, in one of NLTK's folders"
            fix = f"Run `python -m nltk.downloader {DATA}`, or set task.tagger=textblob, which needs none."
            raise SettingError("task.tagger", "nltk", expected, fix) from None

    def identity(self) -> str:
        return f"nltk {version('nltk')} {DATA}"

    def tag(self, words: Sequence[str]) -> list[str]:
        return [tag for _, tag in self.tagger.tag(list(words))]
