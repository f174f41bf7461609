"""Questions about long texts, with the answers that people gave: what a model that reads whole documents is asked.

A file is read whole, whatever limit there is: its counts tell which split it is, and must be the published ones. A
file that holds less, or another split, is refused, or used with `data.allow_mismatch=true`: the record then says how
much of the split it is.
"""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from statistics import median
from typing import Any, ClassVar, Self

from reattend.data.counts import Counts, Known, fitting, others
from reattend.data.entries import Entries
from reattend.data.store import digest
from reattend.settings import SettingError, at_least


@dataclass(frozen=True)
class Question:
    """`text` is the whole document, which the questions of one `document_id` share."""

    id: str
    document_id: str
    title: str
    text: str
    question: str
    answers: tuple[str, ...]  # of each annotator; empty where the gold is private
    kinds: tuple[str, ...] = ()  # of each answer, where the source tells them apart


class Questions(Entries):
    """An ordered list of questions; an option is one module of this room. The record keeps no folder."""

    usual: ClassVar[str]  # the split of `auto` where no file's counts tell another

    def __init__(
        self, *, split: str, path: str | None = None, limit: int | None = None, allow_mismatch: bool = False
    ) -> None:
        """`path`: None fetches; `limit`: how many documents are taken, from the first on; None takes all."""
        at_least("data.limit", limit, 1)
        self.auto, self.wanted = split == "auto", self.usual if split == "auto" else split
        self.path, self.limit, self.allow_mismatch = path, limit, allow_mismatch
        self.most: int | None = None  # questions

    @abstractmethod
    def splits(self) -> Mapping[str, Known]:
        """What is published of each split."""

    @abstractmethod
    def read(self) -> Iterator[list[Question]]:
        """The questions of one document after the other; where several splits lie together, those of `wanted`."""

    @property
    def split(self) -> str:
        """The split asked for; of `auto` the one whose counts a given file has."""
        return (self.auto and self.path is not None and self._fits) or self.wanted

    def published(self) -> Known:
        """What the split is known to hold."""
        return self.splits().get(self.split, {})

    def at_most(self, questions: int | None) -> Self:
        """Take the first so many questions, and no more documents than these are about; None: all."""
        self.most = questions
        self.__dict__.pop("_documents", None)
        return self

    def questions(self) -> list[Question]:
        """The questions in their order, each with an id of its own, none without text."""
        return [question for document in self._documents for question in document]

    def counts(self) -> Counts:
        """What is taken of the split."""
        return _counted(self._documents)

    def mismatch(self) -> str | None:
        """How the file differs from the split that it is taken for: `26 of 52 documents`."""
        told = [f"{found:,} of {known:,} {name}" for name, found, known in self._other()]
        told += [f"its counts are those of {self._fits}"] * (self._fits not in (None, self.split))
        return ", ".join(told) or None

    @cached_property
    def _documents(self) -> list[list[Question]]:
        if self.mismatch() and not self.allow_mismatch:
            raise self._misfit()
        return list(self._taken())

    def _misfit(self) -> SettingError:
        other = self._other()
        whole = [f"{known:,} {name}" for name, _, known in other] or ["another file"]
        held = self._held._asdict().items()
        found = [f"{found:,}" for _, found, _ in other] or [f"{count:,} {name}" for name, count in held]
        expected = f"{', '.join(whole)} of {self.split}, found {', '.join(found)}"
        if self._fits is not None:
            return self.refusal(f"{expected}: this is the {self._fits} split", f"Set data.split={self._fits}.")
        part = ", with data.split for what it is a part of" * (self.auto and len(self.splits()) > 1)
        return self.refusal(expected, f"Fetch the whole file, or set data.allow_mismatch=true{part}.")

    def _taken(self) -> Iterator[list[Question]]:
        """The documents up to either limit."""
        left = self.most
        for questions in islice(self._all, self.limit):
            yield questions[:left]
            left = None if left is None else left - len(questions)
            if left is not None and left <= 0:
                return

    @cached_property
    def _all(self) -> list[list[Question]]:
        """All documents; references that are all blank are hidden ones, as where there are none."""
        documents = list(self.read())
        questions = [question for document in documents for question in document]
        self._check(questions)
        if any(map(_references, questions)):
            return documents
        return [[replace(question, answers=(), kinds=()) for question in document] for document in documents]

    @cached_property
    def _held(self) -> Counts:
        return _counted(self._all)

    @property
    def _fits(self) -> str | None:
        """The split whose counts the whole file has."""
        return fitting(self._held, self.splits())

    def _other(self) -> list[tuple[str, int, int]]:
        return others(self._held, self.published())

    def _check(self, questions: Sequence[Question]) -> None:
        if not questions:
            raise self.refusal("at least one question", "Choose another file.")
        some, seen = any(map(_references, questions)), set()
        for question in questions:
            if question.id in seen:
                raise self.refusal(f"each question once; {question.id} comes again", "Remove the copy.")
            seen.add(question.id)
            if not (question.text.strip() and question.question.strip()):
                raise self.refusal(f"texts that are not empty; one of question {question.id} is", "Repair the file.")
            if some and len(_references(question)) < len(question.answers):
                blank = f"references that are not blank; one of question {question.id} is"
                raise self.refusal(blank, "Repair the file, or remove such a reference.")
            try:
                "\n".join((question.text, question.question, *question.answers)).encode()
            except UnicodeEncodeError:  # JSON can spell one half of a surrogate pair
                half = f"Unicode text; half a surrogate pair is in {question.id}"
                raise self.refusal(half, "Repair that text.") from None

    def identity(self) -> dict[str, Any]:
        """What the record keeps to tell these questions from any other."""
        known = {"name": self.name, "source": self.source, "licence": self.licence, "sha256": digest(self.prepare())}
        known |= {"split": self.split, **self.counts()._asdict()}
        return known | ({"mismatch": self.mismatch()} if self.mismatch() else {})

    def describe(self) -> str:
        counts = ", ".join(f"{count:,} {name}" for name, count in self.counts()._asdict().items())
        lines = [*self.heading(), f"  split    {self.split}: {counts}"]
        if self.mismatch():
            lines.append(f"  mismatch {self.mismatch()}")
        lines.append(f"  {'words of':<12} {'min':>8} {'median':>8} {'max':>8}")
        questions = self.questions()
        measured = {
            "a document": [*{question.document_id: question.text for question in questions}.values()],
            "a question": [question.question for question in questions],
            "a reference": [answer for question in questions for answer in question.answers],
        }
        for name, sides in measured.items():
            if words := [len(side.split()) for side in sides]:
                lines.append(f"  {name:<12} {min(words):>8,} {median(words):>8,.0f} {max(words):>8,}")
        return "\n".join(lines)


def _references(question: Question) -> list[str]:
    """Those of a question that say something."""
    return [answer for answer in question.answers if answer.strip()]


def _counted(documents: Sequence[Sequence[Question]]) -> Counts:
    questions = [question for document in documents for question in document]
    return Counts(len(documents), len(questions), sum(len(question.answers) for question in questions))
