"""Read chunks of text under a policy, score their tokens, and say all that a record needs."""

import re
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from reattend.cache import Policy
from reattend.data import Document, build_documents
from reattend.evaluation.course import Course
from reattend.evaluation.perplexity import Perplexity
from reattend.evaluation.progress import Progress
from reattend.evaluation.room import halved
from reattend.evaluation.under_policy import largest
from reattend.evaluation.unfinished import Interrupted, Unfinished
from reattend.metrics.likelihood import Likelihood
from reattend.models.language import LanguageModel, build_lm
from reattend.models.language.tokens import Tokens
from reattend.models.meter import Meter
from reattend.models.reading import Reading, begin
from reattend.records import Clock, EvaluationRecord, Metric, config_hash, totals
from reattend.records.record import Part
from reattend.settings import SettingError

WORD = re.compile(r"(?<!\S)\S")  # where one begins
ROWS = 128  # whose probabilities are in memory at once


def score(task: Perplexity, config: Mapping[str, Any], policy: Policy, *, name: str, folder: Path) -> EvaluationRecord:
    """The record of an evaluation, which goes on after the chunks that an earlier attempt finished."""
    return EvaluationRecord(**fields(task, config, policy, Reader, name=name, folder=folder))


def fields(
    task: Perplexity,
    config: Mapping[str, Any],
    policy: Policy,
    reader_of: Callable[..., "Reader"],
    *,
    name: str,
    folder: Path,
) -> dict[str, Any]:
    """What a record says of chunks that such a reader reads."""
    meter = Meter(threads=config["threads"])
    documents = build_documents(config["data"])
    texts = documents.documents()
    lm = build_lm(config["lm"]).load()
    tokens = [_tokens(lm, text, config["max_tokens"]) for text in texts]
    long_enough = task.long_enough([len(found.ids) for found in tokens], config["max_tokens"])
    texts, tokens = [texts[i] for i in long_enough], [tokens[i] for i in long_enough]
    pairs = list(zip(texts, tokens, strict=True))
    chunks = [(text, found, piece) for text, found in pairs for piece in task.pieces(len(found.ids))]
    task.refuse_beyond(max(len(piece) for *_, piece in chunks), lm.context)
    data = documents.identity() | {"unit": lm.unit}
    data["documents"] = [data["documents"][i] for i in long_enough]
    for described, found in zip(data["documents"], tokens, strict=True):
        described["tokens"] = len(found.ids)
    identity = {"config_hash": config_hash(config), "lm": lm.identity(), "data": data}
    unfinished = Unfinished(folder, identity, fresh=config["force"])
    reader = reader_of(lm, policy, chunk=config["chunk"], bos=lm.bos() if task.bos else None)
    label = " ".join(str(config["policy"][key]) for key in ("name", "size") if key in config["policy"])
    total = sum(len(piece) - 1 + task.bos for *_, piece in chunks)
    if len(unfinished.parts) < len(chunks):
        reader.warm_up()
    with Progress(label, total=total, shown=config["progress"]) as progress:
        reader.tell = progress.within
        for text, found, piece in chunks:
            part = unfinished.find(document=text.title, start=piece.start)
            if part is None:
                try:
                    unfinished.add(part := reader.part(text, found, piece))
                except KeyboardInterrupt:
                    raise Interrupted(name, len(unfinished.parts), len(chunks), what="chunks") from None
            progress.add(part)
    parts = list(unfinished.parts)
    return {
        **meter.origin(config, name=name, device=reader.device),
        "metrics": metrics(parts),
        "lm": lm.identity(),
        "data": data,
        "parts": parts,
        **of_parts(parts, meter.clock),
    }


def of_parts(parts: list[Part], clock: Clock) -> dict[str, Any]:
    """What a record says of its parts together, beside the metrics."""
    seconds = sum(part["seconds"] for part in parts)
    return {
        "state": largest(parts),
        "timing": {
            **clock.read(),
            "evaluation_seconds": seconds,
            "tokens_per_second": sum(part["tokens"] for part in parts) / seconds,
        },
    }


def metrics(parts: list[Part]) -> dict[str, Metric]:
    """Means over all parts, each with its sum and count."""
    sums = totals(parts)
    nats, bits = sums.nats, Likelihood(sums.nats, sums.tokens).bits
    found = {"nats_per_token": Metric(nats / sums.tokens, "nats per token", nats, sums.tokens)}
    if sums.words:
        found["nats_per_word"] = Metric(nats / sums.words, "nats per word", nats, sums.words)
    if sums.bytes:
        found["bits_per_byte"] = Metric(bits / sums.bytes, "bits per byte", bits, sums.bytes)
    return found


def _tokens(lm: LanguageModel, text: Document, most: int | None) -> Tokens:
    ids, spans = lm.encode(text.text)
    if len(ids) < 2:
        expected = f"texts of at least 2 tokens; {text.title!r} has {len(ids)}"
        raise SettingError("data", text.title, expected, "Choose a longer text.")
    return Tokens(ids[:most], spans[:most])


class Reader:
    """Scores chunks; a forward pass reads at most `chunk` tokens, fewer where a GPU has no room for so many."""

    def __init__(self, lm: LanguageModel, policy: Policy, *, chunk: int, bos: int | None) -> None:
        """`bos`: a token put before each chunk, whose first token is then scored as well."""
        self.lm, self.policy, self.chunk = lm, policy, chunk
        self.start = torch.tensor([] if bos is None else [bos], dtype=torch.int64)
        self.device = next(lm.model.parameters()).device
        self.tell: Callable[[float, int], None] = lambda nats, tokens: None  # what of a chunk is scored so far

    def warm_up(self) -> None:
        """Read two tokens, untimed: kernels are compiled and chosen at first use."""
        self._fitting(torch.zeros(1, 2, dtype=torch.int64))

    def part(self, text: Document, tokens: Tokens, piece: range) -> Part:
        """What a record keeps of one chunk."""
        clock = time.perf_counter()
        scored = self._fitting(torch.cat([self.start, tokens.ids[piece.start : piece.stop]])[None])
        unscored = 1 - len(self.start)
        first, last = int(tokens.spans[piece.start + unscored, 0]), int(tokens.spans[piece.stop - 1, 1])
        part: Part = {
            "document": text.title,
            "start": piece.start,
            "tokens": len(piece) - unscored,
            "words": sum(1 for _ in WORD.finditer(text.text, first, last)),
            "bytes": len(text.text[first:last].encode()),
            "nats": scored.nats,
            "seconds": time.perf_counter() - clock,
            "entries": scored.entries,
            "kv_bytes": scored.kv_bytes,
        }
        return scored.course.told_by(part)

    def _fitting(self, ids: Tensor) -> "_Scored":
        """What `_read` returns, in smaller chunks if need be."""
        needed = min(self.chunk, ids.shape[1])
        scored, chunk = halved(
            "chunk",
            needed,
            partial(self._read, ids),
            expected="a GPU with room for the model and its state",
            fix="Lower policy.size, or take lm.dtype=bfloat16.",
        )
        if chunk < needed:
            self.chunk = chunk
        return scored

    def begin(self) -> Reading:
        """A chunk, from an empty state."""
        return begin(self.lm, self.policy)

    def _read(self, ids: Tensor, chunk: int) -> "_Scored":
        """All tokens [1, T] but the first, so many in a forward pass."""
        reading, course = self.begin(), Course()
        nats, entries, kept = 0.0, 0.0, 0
        for start in range(0, ids.shape[1], chunk):
            logits = reading.read(ids[:, start : start + chunk])[0]  # [C, vocabulary]
            targets = ids[0, start + 1 : start + 1 + len(logits)].to(logits.device)
            row = 0
            while row < len(targets):
                aim = targets[row : row + min(ROWS, course.room)]
                cost = float(F.cross_entropy(logits[row : row + len(aim)].float(), aim, reduction="sum"))
                course.add(cost, len(aim))
                nats, row = nats + cost, row + len(aim)
            entries, kept = max(entries, reading.entries()), max(kept, reading.kept_bytes())
            self.tell(nats, min(start + chunk, ids.shape[1] - 1))
        return _Scored(nats, entries, kept, course)


class _Scored(NamedTuple):
    nats: float  # summed -ln p
    entries: float  # when the state was largest
    kv_bytes: int
    course: Course
