"""SQuALITY v1.3: long questions about short stories, each answered in a paragraph by four writers (2205.11465).

Wang et al. 2022. Stories of Project Gutenberg, about 5,000 words each, five questions a story; the first asks for the
plot. The JSON lines `data/v1-3/txt/{train,dev,test}.jsonl` of github.com/nyu-mll/SQuALITY; version 1.3 repairs ten
stories that were cut short. A story's text is taken as it stands there. The test split's references are public; it has
as many questions as the SQuALITY task of ZeroSCROLLS.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from reattend.data.counts import Counts, Known
from reattend.data.documents import plain
from reattend.data.download import Download
from reattend.data.entries import take
from reattend.data.questions import Question, Questions

COMMIT = "dc08d4f574639d773bc64ef3ab3527043108fb4e"
URL = f"https://raw.githubusercontent.com/nyu-mll/SQuALITY/{COMMIT}/data/v1-3/txt/{{}}.jsonl"
FILES = {  # size and sha256
    "train": (2_892_091, "7d36b79a8fa42ee4b7203a83ab4816ff2b413d927938e3445d973d6918251832"),
    "dev": (1_474_020, "e9cbb1daff74b70a6cd15641ba2f602a925761759200a17c9225aca90018a42b"),
    "test": (3_039_248, "5a485f30edebd16367427997ae82fac47bcd9ada9e7755c70a7d6569c0668c9c"),
}
COUNTS = {"train": Counts(50, 250, 1_000), "dev": Counts(25, 125, 500), "test": Counts(52, 260, 1_040)}


class Squality(Questions):
    """Fetched once; or `data.path`: a split's file, or the folder that holds them."""

    usual = "test"
    licence = "questions and references CC BY 4.0; stories Project Gutenberg licence"

    def __init__(self, *, split: Literal["auto", "train", "dev", "test"], **options: object) -> None:
        super().__init__(split=split, **options)  # type: ignore[arg-type]
        self.source = f"nyu-mll/SQuALITY@{COMMIT[:7]}, v1.3" if self.path is None else Path(self.path).name

    def splits(self) -> Mapping[str, Known]:
        return {split: counts._asdict() for split, counts in COUNTS.items()}

    def prepare(self) -> Path:
        if self.path is not None:
            return self.placed(f"{self.wanted}.jsonl")
        size, sha256 = FILES[self.wanted]
        url, relative = URL.format(self.wanted), f"squality/v1-3/{self.wanted}.jsonl"
        return Download(url=url, relative=relative, size=size, sha256=sha256, setting="data.path", value="null").path()

    def read(self) -> Iterator[list[Question]]:
        for where, story in self.lines(self.prepare()):
            with self.entry(where):
                questions = _questions(story)
            yield questions


def _questions(story: Any) -> list[Question]:
    book = take(story.get("metadata") if isinstance(story, dict) else None, "passage_id", str)  # of Project Gutenberg
    text = plain(take(story, "document", str))
    return [
        Question(
            id=f"{book}_{take(asked, 'question_number', int)}",
            document_id=book,
            title=f"Project Gutenberg {book}",
            text=text,
            question=take(asked, "question_text", str),
            answers=tuple(take(answer, "response_text", str) for answer in take(asked, "responses", list)),
        )
        for asked in take(story, "questions", list)
    ]
