"""Read a document once, and on copies of the state that is kept: questions, people's answers and answers of its own."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from reattend.cache import Policy
from reattend.data import Question
from reattend.data.batches import IGNORED
from reattend.decoding.writing import Choice, write
from reattend.evaluation.answering.base import Answers
from reattend.evaluation.answering.prompts import Prompt, shared
from reattend.evaluation.answering.scores import kind_of, scores
from reattend.evaluation.room import halved
from reattend.models.language import LanguageModel
from reattend.models.reading import Reading, begin, padded

GREEDY = Choice()
ROOM, LESS = "a GPU with room for the model and one state", "Lower policy.size or task.max_new_tokens."
T = TypeVar("T")
Part = dict[str, Any]  # an `Answered` and the prediction itself


@dataclass(frozen=True)
class Case:
    """One question, ready to be read."""

    question: Question
    prompt: Prompt
    references: list[list[int]]  # tokens of those that are scored by their likelihood


class Answerer:
    """Answers the questions of documents under a policy, in batches."""

    def __init__(self, task: Answers, lm: LanguageModel, policy: Policy, *, chunk: int) -> None:
        self.task, self.lm, self.ends = task, lm, lm.ends()
        self.chunk, self.batch_size = chunk, task.batch_size  # of which each gets less where there is no room
        self.policy, _ = policy.for_prompts()
        self.device = next(lm.model.parameters()).device

    def answered(self, document: Sequence[Case], todo: Sequence[Case]) -> Iterator[list[Part]]:
        """The parts of an unfinished run that the questions `todo` of a document are, batch by batch."""
        clock = time.perf_counter()
        # all of its questions, whichever are still to be answered: the result must not depend on that
        same = 0 if self.policy.whole_prompts else shared([case.prompt.tokens for case in document])
        reading = self._in_chunks(lambda: self._begun(document[0].prompt.tokens[:same]))
        seconds = (time.perf_counter() - clock) / max(1, len(todo))
        while todo:
            parts = self._fitting(reading, same, todo[: self.batch_size], seconds)
            yield parts
            todo = todo[len(parts) :]

    def _begun(self, tokens: Sequence[int]) -> Reading:
        """What all prompts of a document begin with, read once."""
        reading = begin(self.lm, self.policy)
        for start in range(0, len(tokens), self.chunk):
            reading.read(torch.tensor(tokens[start : start + self.chunk])[None], last=1)
        return reading

    def _fitting(self, reading: Reading, same: int, cases: Sequence[Case], seconds: float) -> list[Part]:
        """As many of these questions as a GPU has room for at once."""

        def work(count: int) -> list[Part]:
            if count < len(cases):
                self.batch_size = count
            if count > 1:
                return self._batch(reading, same, cases[:count], seconds)
            return self._in_chunks(lambda: self._batch(reading, same, cases[:1], seconds))

        return halved("task.batch_size", len(cases), work, expected=ROOM, fix=LESS)[0]

    def _in_chunks(self, work: Callable[[], T]) -> T:
        """What `work` returns, which reads in chunks that get smaller where a GPU has no room."""

        def once(chunk: int) -> T:
            self.chunk = chunk
            return work()

        return halved("chunk", self.chunk, once, expected=ROOM, fix=LESS)[0]

    def _batch(self, reading: Reading, same: int, cases: Sequence[Case], seconds: float) -> list[Part]:
        """Some questions of a document, of whose prompts the first `same` tokens are read."""
        start = time.perf_counter()
        asked = reading.fork(torch.zeros(len(cases), dtype=torch.int64))
        tokens, real = padded([case.prompt.tokens[same:] for case in cases], left=True)
        width = tokens.shape[1] if self.policy.whole_prompts else self.chunk
        for column in range(0, tokens.shape[1], width):
            part = slice(column, column + width)
            last = asked.read(tokens[:, part], real=real[:, part], last=1)[:, -1]  # [B, vocabulary]
        entries, kept = _kept(asked)
        read = time.perf_counter()
        nats = self._nats_of(asked, last, [case.references for case in cases])
        scored = time.perf_counter()
        written = write(asked, last, longest=self.task.max_new_tokens, ends=self.ends, choice=GREEDY)
        end = time.perf_counter()
        return [
            {
                **self._about(case, self.lm.tokenizer.decode(row.tokens).strip()),
                "written": len(row.tokens),
                "ended": row.ended,
                "log_p": row.log_p,
                "nats": of_references,
                "tokens": [len(reference) for reference in case.references],
                "entries": entries[place],
                "kv_bytes": kept,
                "read_seconds": seconds + (read - start) / len(cases),
                "score_seconds": (scored - read) / len(cases),
                "write_seconds": (end - scored) / len(cases),
            }
            for place, (case, row, of_references) in enumerate(zip(cases, written, nats, strict=True))
        ]

    def _about(self, case: Case, prediction: str) -> Part:
        question = case.question
        found: Part = {"question": question.id, "document": question.document_id, "kind": kind_of(question)}
        found |= {"prompt": len(case.prompt.tokens), "cut": case.prompt.cut, "prediction": prediction}
        return found | scores(prediction, question.answers, transliterate=self.task.transliterate)

    def _nats_of(self, asked: Reading, last: Tensor, references: Sequence[Sequence[list[int]]]) -> list[list[float]]:
        """Summed -ln p of each reference of each row, read after the row's prompt."""
        places = [(row, i) for row, several in enumerate(references) for i in range(len(several))]
        places.sort(key=lambda place: len(references[place[0]][place[1]]))  # those of a batch are then about as long
        found: dict[tuple[int, int], float] = {}
        for start in range(0, len(places), self.batch_size):
            batch = places[start : start + self.batch_size]
            rows = torch.tensor([row for row, _ in batch])
            nats = self._nats(asked.fork(rows), last[rows], [references[row][i] for row, i in batch])
            found |= dict(zip(batch, nats, strict=True))
        return [[found[row, i] for i in range(len(several))] for row, several in enumerate(references)]

    def _nats(self, reading: Reading, last: Tensor, references: Sequence[list[int]]) -> list[float]:
        """Of one batch: `last` [B, vocabulary] predict the first tokens, what is read the others."""
        tokens, real = padded(references, left=False)
        nats = F.cross_entropy(last.float(), tokens[:, 0].to(last.device), reduction="none").double()
        targets = tokens.masked_fill(~real, IGNORED)
        # with whole prompts a call of several tokens would be another prompt; else so many that their logits have room
        width = 1 if self.policy.whole_prompts else max(1, self.chunk // len(references))
        for start in range(0, tokens.shape[1] - 1, width):
            end = min(start + width, tokens.shape[1] - 1)
            logits = reading.read(tokens[:, start:end], real=real[:, start:end])  # [B, C, vocabulary]
            aim = targets[:, start + 1 : end + 1].to(logits.device)
            each = F.cross_entropy(logits.float().transpose(1, 2), aim, ignore_index=IGNORED, reduction="none")
            nats += each.sum(dim=1)
        return [float(value) for value in nats]


def _kept(reading: Reading) -> tuple[list[float], int]:
    """How many entries a layer keeps of each row, the mean over layers; and the bytes of all of one row."""
    lanes = [(layer.positions >= 0).sum(dim=-1).float().mean(dim=1) for layer in reading.layers]  # [B] each
    entries = torch.stack(lanes).mean(dim=0)
    return entries.tolist(), reading.kept_bytes() // len(entries)
