"""QASPER v0.3: questions about papers on language processing, asked by readers of title and abstract (2105.03011).

Dasigi et al. 2021. Read are the published archives, the files out of them (`{id: paper}`), and JSON lines of the hub's
allenai/qasper, where a list of objects is an object of lists.

A paper's text is one line each: title, abstract, then section by section its name and its paragraphs. SCROLLS, from
which ZeroSCROLLS has its papers, renders them so but begins at the first section: `data.abstract=false`. As in the
authors' own reader, line ends within a paragraph are blanks and empty paragraphs are left out; so are names of sections
without a word. The gold strings are those of the authors' evaluator: "Unanswerable", spans joined by ", ", a free-form
answer, "Yes" or "No"; one for each annotator, in order, equal ones kept.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from reattend.data.archive import read_lines
from reattend.data.counts import Counts, Known
from reattend.data.download import Download
from reattend.data.entries import Malformed, take, texts
from reattend.data.packed import DAMAGE, plain_name, unpacked
from reattend.data.questions import Question, Questions

SITE = "https://qasper-dataset.s3.us-west-2.amazonaws.com/"
ARCHIVES = {  # size and sha256
    "qasper-train-dev-v0.3.tgz": (
        10_835_856,
        "a28fdf966db827bcee3d873107d6b6669864fb7ca8fbf73a192f5e39191bdb5a",
    ),
    "qasper-test-and-evaluator-v0.3.tgz": (
        3_865_061,
        "72a52a41193e2838b8074f80ac074b94f956b84886c36a61c58a7df4171bdd72",
    ),
}
COUNTS = {"train": Counts(888, 2_593, 2_675), "dev": Counts(281, 1_005, 1_764), "test": Counts(416, 1_451, 3_554)}


class Qasper(Questions):
    """Fetched once; or `data.path`: an archive, a split's file of either layout, or a folder that holds one."""

    usual = "test"
    licence = "CC BY 4.0"

    def __init__(
        self, *, split: Literal["auto", "train", "dev", "test"], abstract: bool = True, **options: object
    ) -> None:
        """`abstract`: the text begins with title and abstract."""
        super().__init__(split=split, **options)  # type: ignore[arg-type]
        self.abstract = abstract
        self.archive = [*ARCHIVES][self.wanted == "test"]
        self.member = f"qasper-{self.wanted}-v0.3.json"
        self.source = f"{SITE}{self.archive}" if self.path is None else Path(self.path).name

    def splits(self) -> Mapping[str, Known]:
        return {split: counts._asdict() for split, counts in COUNTS.items()}

    def identity(self) -> dict[str, Any]:
        return super().identity() | {"abstract": self.abstract}

    def prepare(self) -> Path:
        if self.path is not None:
            return self.placed(self.member, self.archive)
        size, sha256 = ARCHIVES[self.archive]
        url, relative = SITE + self.archive, f"archives/qasper/{self.archive}"
        return Download(url=url, relative=relative, size=size, sha256=sha256, setting="data.path", value="null").path()

    def read(self) -> Iterator[list[Question]]:
        path = self.prepare()
        for where, paper in self.lines(path) if plain_name(path).endswith(".jsonl") else self._whole(path):
            with self.entry(where):
                questions = _questions(paper, abstract=self.abstract)
            yield questions

    def _whole(self, path: Path) -> Iterator[tuple[str, Any]]:
        """The papers of one JSON object, with their ids."""
        if path.name.endswith((".tgz", ".tar.gz")):
            lines = read_lines(path, [self.member], setting="data.path")[self.member]
            papers = self.parsed("\n".join(lines), self.member)
        else:
            try:
                with unpacked(path) as file:
                    papers = self.parsed(file.read(), path.name)
            except DAMAGE as error:
                raise self.refusal(f"a whole {path.suffix} file ({error})", "Fetch or pack it anew.") from None
        if not isinstance(papers, dict):
            raise self.refusal(f"an object of papers in {path.name}", "Name JSON lines .jsonl, or take another file.")
        for key, paper in papers.items():
            yield f"paper {key} of {path.name}", paper | {"id": key} if isinstance(paper, dict) else paper


def _questions(paper: Any, *, abstract: bool) -> list[Question]:
    key, title = take(paper, "id", str), take(paper, "title", str)
    text = _text(paper, title, abstract=abstract)
    found = []
    for asked in _objects(paper, "qas"):
        gold = [_gold(answer.get("answer")) for answer in _objects(asked, "answers")]
        found.append(
            Question(
                id=take(asked, "question_id", str),
                document_id=key,
                title=title,
                text=text,
                question=take(asked, "question", str),
                answers=tuple(answer for _, answer in gold),
                kinds=tuple(kind for kind, _ in gold),
            )
        )
    return found


def _text(paper: Any, title: str, *, abstract: bool) -> str:
    lines: list[str] = []
    for section in _objects(paper, "full_text"):
        name = "" if section.get("section_name") is None else take(section, "section_name", str)
        if name.replace(":", "").strip():
            lines.append(name)
        lines += texts(section, "paragraphs")
    if abstract or not lines:  # of a few papers no more is known
        lines = [title, take(paper, "abstract", str), *lines]
    one_each = (line.replace("\n", " ").strip() for line in lines)
    return "\n".join(line for line in one_each if line)


def _objects(entry: Any, key: str) -> list[dict[str, Any]]:
    """A list of objects, which the hub stores as an object of lists."""
    value = entry.get(key) if isinstance(entry, dict) else None
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        if len({len(column) for column in value.values()}) > 1:
            raise Malformed(f"lists of different lengths in {key!r}")
        value = [dict(zip(value, row, strict=True)) for row in zip(*value.values(), strict=True)]
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise Malformed(f"no {key!r} (a list of objects, or an object of lists)")
    return value


def _gold(answer: Any) -> tuple[str, str]:
    """The kind of an answer, and its text."""
    if take(answer, "unanswerable", bool):
        return "unanswerable", "Unanswerable"
    if spans := texts(answer, "extractive_spans"):
        return "extractive", ", ".join(spans)
    if free := take(answer, "free_form_answer", str):
        return "free", free
    return "yes_no", "Yes" if take(answer, "yes_no", bool) else "No"
