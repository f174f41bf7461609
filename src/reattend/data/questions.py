"""Questions about long texts, with the answers that people gave: what a model that reads whole documents is asked.

Every published count of a split is checked when the whole split is read. A file that holds less is refused, or used
with `data.allow_mismatch=true`: the record then says how much of the split it is.
"""

import json
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, Self, TypeVar

from reattend.data.base import Data
from reattend.data.packed import DAMAGE, OPEN, unpacked
from reattend.data.store import digest
from reattend.settings import SettingError, at_least

T = TypeVar("T", str, list[Any], int, bool)
SPELLED = {str: "text", list: "a list", int: "a whole number", bool: "true or false"}


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


class Counts(NamedTuple):
    """Of a split."""

    documents: int
    questions: int
    references: int


class Malformed(Exception):  # noqa: N818 - what is missing is its message
    """An entry of a file is not as its source has it."""


class Questions(Data):
    """An ordered list of questions; an option is one module of this room. The record keeps no folder."""

    def __init__(
        self, *, split: str, path: str | None = None, limit: int | None = None, allow_mismatch: bool = False
    ) -> None:
        """`path`: None fetches; `limit`: how many documents are read, from the first on; None takes all."""
        at_least("data.limit", limit, 1)
        self.split, self.path, self.limit, self.allow_mismatch = split, path, limit, allow_mismatch
        self.most: int | None = None  # questions

    @abstractmethod
    def published(self) -> dict[str, int]:
        """What the split is known to hold: those of `Counts` that are published."""

    @abstractmethod
    def read(self) -> Iterator[list[Question]]:
        """The questions of one document after the other, so that a limit reads no more than it takes."""

    def at_most(self, questions: int | None) -> Self:
        """Read the first so many questions, and no more documents than these are about; None: all."""
        self.most = questions
        self.__dict__.pop("_documents", None)
        return self

    def questions(self) -> list[Question]:
        """The questions in their order, each with an id of its own, none without text."""
        return [question for document in self._documents for question in document]

    def counts(self) -> Counts:
        """What is read of the split."""
        return _counted(self._documents)

    def mismatch(self) -> str | None:
        """How what is read differs from the whole split that it should be: `26 of 52 documents`."""
        other = self._other(self.counts())
        return ", ".join(f"{found:,} of {known:,} {name}" for name, found, known in other) or None

    @cached_property
    def _documents(self) -> list[list[Question]]:
        documents = list(self._taken())
        self._check([question for document in documents for question in document])
        if (other := self._other(_counted(documents))) and not self.allow_mismatch:
            expected = ", ".join(f"{known:,} {name}" for name, _, known in other)
            given = ", ".join(f"{found:,}" for _, found, _ in other)
            fix = "Fetch the whole file, or set data.allow_mismatch=true."
            raise self.refusal(f"{expected} of {self.split}, found {given}", fix)
        return documents

    def _taken(self) -> Iterator[list[Question]]:
        """The documents up to either limit."""
        left = self.most
        for questions in islice(self.read(), self.limit):
            yield questions[:left]
            left = None if left is None else left - len(questions)
            if left is not None and left <= 0:
                return

    def _other(self, counts: Counts) -> list[tuple[str, int, int]]:
        """The names of the counts that are not the published ones, with either number."""
        if self.limit == counts.documents or self.most == counts.questions:  # a limit ended it, not the file
            return []
        sides = [(name, counts._asdict()[name], known) for name, known in self.published().items()]
        return [(name, found, known) for name, found, known in sides if found != known]

    def _check(self, questions: Sequence[Question]) -> None:
        if not questions:
            raise self.refusal("at least one question", "Choose another file.")
        seen = set()
        for question in questions:
            if question.id in seen:
                raise self.refusal(f"each question once; {question.id} comes again", "Remove the copy.")
            seen.add(question.id)
            if not (question.text.strip() and question.question.strip()):
                raise self.refusal(f"texts that are not empty; one of question {question.id} is", "Repair the file.")
            try:
                "\n".join((question.text, question.question, *question.answers)).encode()
            except UnicodeEncodeError:  # JSON can spell one half of a surrogate pair
                half = f"Unicode text; half a surrogate pair is in {question.id}"
                raise self.refusal(half, "Repair that text.") from None

    def placed(self, *names: str) -> Path:
        """What `data.path` names: a file, or the first of these, packed or not, in a folder."""
        path = Path(str(self.path)).expanduser()
        if not path.exists():
            raise self.refusal("an existing file or folder", "Correct data.path.")
        if not path.is_dir():
            return path
        for file in (path / (name + end) for name in names for end in ("", *OPEN)):
            if file.is_file():
                return file
        raise self.refusal(f"a folder with {' or '.join(names)} in it", "Name another folder, or the file.")

    def lines(self, path: Path) -> Iterator[tuple[str, Any]]:
        """Where an entry stands, and the entry, of each of the JSON lines of a file."""
        with unpacked(path) as file:
            try:
                for number, line in enumerate(file, 1):
                    if line.strip():
                        where = f"line {number} of {path.name}"
                        yield where, self.parsed(line, where)
            except DAMAGE as error:
                raise self.refusal(f"a whole {path.suffix} file ({error})", "Fetch or pack it anew.") from None

    def parsed(self, text: bytes | str, where: str) -> Any:
        """A JSON text as Python's objects."""
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:  # bytes that are no UTF-8 are a ValueError as well
            raise self.refusal(f"JSON; {where} is none ({error})", "Fetch it anew, or repair it.") from None

    @contextmanager
    def entry(self, where: str) -> Iterator[None]:
        """Reading one entry: what it lacks is the user's to mend."""
        try:
            yield
        except Malformed as lacks:
            fix = f"Take the file that {self.name} publishes."
            raise self.refusal(f"the layout of {self.name}; {where} has {lacks}", fix) from None

    def refusal(self, expected: str, fix: str) -> SettingError:
        """The error for a file that is not as it should be."""
        return SettingError("data.path", "null" if self.path is None else self.path, expected, fix)

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


def _counted(documents: Sequence[Sequence[Question]]) -> Counts:
    questions = [question for document in documents for question in document]
    return Counts(len(documents), len(questions), sum(len(question.answers) for question in questions))


def texts(entry: Any, key: str) -> list[str]:
    """The list of texts under an entry's key."""
    value = take(entry, key, list)
    if not all(isinstance(text, str) for text in value):
        raise Malformed(f"something else than texts in {key!r}")
    return value


def take(entry: Any, key: str, kind: type[T]) -> T:
    """The value of an entry's key, which must be there and of that kind."""
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, kind):
        raise Malformed(f"no {key!r} ({SPELLED[kind]})")
    return value
