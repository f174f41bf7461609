"""Two tasks of ZeroSCROLLS, QASPER and SQuALITY, as its zero-shot prompts have them (Shaham et al. 2023, 2305.14196).

One zip a task in the hub's tau/zero_scrolls, with `{task}/{validation,test}.jsonl`. A row's `input` is instruction,
document and query; character offsets tell where. The query's heading `Question:` is no part of the question. Rows with
one `id` are one question with several references. The test gold is private: its answers are empty. Documents have no
name there, so the checksum of the text stands for it. The validation split, about twenty questions a task, is meant for
looking at; its counts are not published.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from reattend.data.archive import read_lines
from reattend.data.counts import Known
from reattend.data.documents import plain
from reattend.data.entries import Malformed, take
from reattend.data.hub import hub_folder
from reattend.data.packed import plain_name
from reattend.data.questions import Question, Questions

REPOSITORY = "tau/zero_scrolls"
HEADING = "Question:"
TESTS = {"qasper": 500, "squality": 260}  # questions


class ZeroScrolls(Questions):
    """Fetched once from the hub; or `data.path`: a task's zip, a file out of it, or a folder that holds one."""

    usual = "validation"
    licence = "as the task's own data"

    def __init__(
        self,
        *,
        task: Literal["qasper", "squality"],
        split: Literal["auto", "validation", "test"],
        revision: str | None = None,
        **options: object,
    ) -> None:
        """`revision`: of the hub's repository."""
        super().__init__(split=split, **options)  # type: ignore[arg-type]
        self.task, self.revision = task, revision
        origin = f"{REPOSITORY}@{revision or 'main'}" if self.path is None else Path(self.path).name
        self.source = f"{origin}, {task}"

    def splits(self) -> Mapping[str, Known]:
        return {"validation": {}, "test": {"questions": TESTS[self.task]}}

    def prepare(self) -> Path:
        archive, member = f"{self.task}.zip", f"{self.task}/{self.wanted}.jsonl"
        if self.path is not None:
            return self.placed(member, f"{self.wanted}.jsonl", archive)
        folder = hub_folder(
            REPOSITORY,
            kind="dataset",
            revision=self.revision,
            patterns=(archive,),
            setting="data",
            value=self.name,
            instead=f"Connect to the network once, or place {archive} by hand: data.path=FILE.",
        )
        return folder / archive

    def read(self) -> Iterator[list[Question]]:
        """Rows of one document need not follow each other, so all are read first."""
        questions: dict[str, Question] = {}
        for where, row in self._rows():
            with self.entry(where):
                asked = _question(row)
            before = questions.setdefault(asked.id, asked)
            if before is not asked:
                questions[asked.id] = replace(before, answers=before.answers + asked.answers)
        documents: dict[str, list[Question]] = {}
        for asked in questions.values():
            documents.setdefault(asked.document_id, []).append(asked)
        yield from documents.values()

    def _rows(self) -> Iterator[tuple[str, Any]]:
        path = self.prepare()
        if plain_name(path).endswith(".jsonl"):
            yield from self.lines(path)
            return
        member = f"{self.task}/{self.wanted}.jsonl"
        for number, line in enumerate(read_lines(path, [member], setting="data.path")[member], 1):
            where = f"line {number} of {member}"
            yield where, self.parsed(line, where)


def _question(row: Any) -> Question:
    text, query = plain(_part(row, "document")), _part(row, "query").strip()
    document = hashlib.sha256(text.encode(errors="replace")).hexdigest()[:12]
    gold = row.get("output")
    return Question(
        id=take(row, "id", str),
        document_id=document,
        title=f"document {document}",
        text=text,
        question=query.removeprefix(HEADING).strip(),
        answers=(gold,) if isinstance(gold, str) and gold else (),
    )


def _part(row: Any, name: str) -> str:
    """The characters of the row's input from one offset to another."""
    whole = take(row, "input", str)
    start, end = take(row, f"{name}_start_index", int), take(row, f"{name}_end_index", int)
    if not 0 <= start <= end <= len(whole):
        raise Malformed(f"a {name} from {start} to {end} of {len(whole)} characters")
    return whole[start:end]
