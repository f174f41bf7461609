"""SQuALITY: questions about short stories, answered in a paragraph (2205.11465)."""

from reattend.evaluation.answering.base import Answers


class Squality(Answers):
    """Scored by ROUGE, in the corpus form of its geometric mean."""

    @property
    def headline(self) -> tuple[str, ...]:
        return ("rouge_geometric_mean", "rouge1", "rouge2", "rougeL", "rouge_geometric_mean_per_question")
