"""Whole texts to read from their first token on, each with a title: what a language model is evaluated on."""

import hashlib
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from reattend.data.base import Data
from reattend.settings import SettingError, at_least


@dataclass(frozen=True)
class Document:
    """`text` has plain line ends (`plain`); its title names it in records."""

    title: str
    text: str

    def identity(self) -> dict[str, Any]:
        """What the record keeps to tell this text from any other; its length is in Unicode characters."""
        sha256 = hashlib.sha256(self.text.encode()).hexdigest()
        return {"title": self.title, "sha256": sha256, "characters": len(self.text)}


class Documents(Data):
    """Named long texts; an option is one module of this room."""

    def __init__(self, *, limit: int | None = None) -> None:
        """`limit`: how many documents are taken, from the first on; None takes all."""
        at_least("data.limit", limit, 1)
        self.limit = limit

    @abstractmethod
    def read(self) -> Iterator[Document]:
        """The documents one after the other, so that a limit reads no more than it takes."""

    def documents(self) -> list[Document]:
        """The documents in their order, none of them empty, each with a title of its own."""
        return self._documents

    @cached_property
    def _documents(self) -> list[Document]:
        documents = _told_apart(self._sound(document) for document in islice(self.read(), self.limit))
        if not documents:
            raise self.refusal("at least one text", "Choose other data.")
        return documents

    def _sound(self, document: Document) -> Document:
        try:
            document.text.encode()
        except UnicodeEncodeError as error:  # JSON can spell one half of a surrogate pair
            half = f"character {error.start} of {document.title!r} is half a surrogate pair"
            raise self.refusal(f"Unicode text; {half}", "Repair or remove that text.") from None
        if not document.text.strip():
            expected = f"texts that are not empty; {document.title!r} is"
            raise self.refusal(expected, "Remove that text or choose others.")
        return document

    def refusal(self, expected: str, fix: str) -> SettingError:
        """The error for texts that are not as they should be, spelled with the setting that chose them."""
        return SettingError("data", self.name, expected, fix)

    def identity(self) -> dict[str, Any]:
        """What the record keeps to tell these texts from any other."""
        documents = [document.identity() for document in self.documents()]
        return {"name": self.name, "source": self.source, "licence": self.licence, "documents": documents}

    def describe(self) -> str:
        lines = [*self.heading(), f"  {'words':>11} {'characters':>12}  title"]
        for document in self.documents():
            lines.append(f"  {len(document.text.split()):>11,} {len(document.text):>12,}  {document.title}")
        return "\n".join(lines)


def plain(text: str) -> str:
    """Without a byte order mark, lines ended by a line feed alone."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def _told_apart(documents: Iterable[Document]) -> list[Document]:
    """The second `Poems` becomes `Poems (2)`: a title must name one document."""
    seen: Counter[str] = Counter()
    apart = []
    for document in documents:
        title = document.title
        while seen[title]:
            seen[document.title] += 1
            title = f"{document.title} ({seen[document.title]})"
        seen[title] += 1
        apart.append(Document(title, document.text))
    return apart
