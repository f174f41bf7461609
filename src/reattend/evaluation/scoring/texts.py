"""Texts read chunk by chunk under a policy, and all that a record needs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reattend.cache import Policy
from reattend.data import Document, build_documents
from reattend.evaluation.perplexity import Perplexity
from reattend.evaluation.progress import Progress
from reattend.evaluation.scoring.reader import Reader
from reattend.evaluation.scoring.sums import metrics, of_parts
from reattend.evaluation.unfinished import Interrupted, Unfinished
from reattend.models.language import LanguageModel, build_lm
from reattend.models.language.tokens import Tokens
from reattend.models.meter import Meter
from reattend.records import EvaluationRecord, config_hash
from reattend.settings import SettingError


def score(task: Perplexity, config: Mapping[str, Any], policy: Policy, *, name: str, folder: Path) -> EvaluationRecord:
    """The record of an evaluation, which goes on after the chunks that an earlier attempt finished."""
    return EvaluationRecord(**fields(task, config, policy, Reader, name=name, folder=folder))


def fields(
    task: Perplexity,
    config: Mapping[str, Any],
    policy: Policy,
    reader_of: Callable[..., Reader],
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


def _tokens(lm: LanguageModel, text: Document, most: int | None) -> Tokens:
    ids, spans = lm.encode(text.text)
    if len(ids) < 2:
        expected = f"texts of at least 2 tokens; {text.title!r} has {len(ids)}"
        raise SettingError("data", text.title, expected, "Choose a longer text.")
    return Tokens(ids[:most], spans[:most])
