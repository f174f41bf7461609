"""QASPER: questions about papers on language processing, answered in a phrase (2105.03011)."""

from reattend.evaluation.answering.base import Answers


class Qasper(Answers):
    """Scored by F1, over all questions and those of each kind."""

    @property
    def headline(self) -> tuple[str, ...]:
        return ("f1", "f1/extractive", "f1/free", "f1/yes_no", "f1/unanswerable", "exact_match")
