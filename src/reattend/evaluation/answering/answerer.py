"""Read a document once, and on copies of the state that is kept: questions, people's answers and answers of its own."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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
from reattend.models.language import LanguageModel
from reattend.models.reading import Reading, begin, padded
from reattend.settings import SettingError

GREEDY = Choice()
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
        self.task, self.lm, self.chunk, self.ends = task, lm, chunk, lm.ends()
        self.policy, _ = policy.for_prompts()
        self.device = next(lm.model.parameters()).device

    def answered(self, document: Sequence[Case], todo: Sequence[Case]) -> Iterator[list[Part]]:
        """The parts of an unfinished run that the questions `todo` of a document are, batch by batch."""
        size = self.task.batch_size
        try:
            clock = time.perf_counter()
            # all of its questions, whichever are still to be answered: the result must not depend on that
            same = 0 if self.policy.whole_prompts else shared([case.prompt.tokens for case in document])
            reading = begin(self.lm, self.policy)
            for start in range(0, same, self.chunk):
                piece = document[0].prompt.tokens[start : min(start + self.chunk, same)]
                reading.read(torch.tensor(piece)[None], last=1)
            seconds = (time.perf_counter() - clock) / max(1, len(todo))
            for start in range(0, len(todo), size):
                yield self._batch(reading, same, todo[start : start + size], seconds)
        except torch.OutOfMemoryError as error:
            expected = "a GPU with room for the model and so many states"
            fix = "Lower task.batch_size, chunk or policy.size."
            raise SettingError("task.batch_size", size, expected, fix) from error

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
        for start in range(0, len(places), self.task.batch_size):
            batch = places[start : start + self.task.batch_size]
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
