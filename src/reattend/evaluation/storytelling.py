"""Write stories in batches, score each by the full state, and say all that a record needs."""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from reattend.cache import Policy
from reattend.cache.full import Full
from reattend.decoding.writing import Choice, Written, write
from reattend.evaluation.address import Address
from reattend.evaluation.predictions import save
from reattend.evaluation.progress import SentenceProgress
from reattend.evaluation.room import halved
from reattend.evaluation.stories import Stories, checksum
from reattend.evaluation.story_files import Told
from reattend.evaluation.unfinished import Interrupted, Unfinished
from reattend.metrics.texts import distinct, longest_repeat, repeated, words_of
from reattend.models.initialise import stream
from reattend.models.language import LanguageModel, build_lm
from reattend.models.meter import Meter
from reattend.models.reading import begin, padded
from reattend.records import Metric, StoriesRecord, config_hash
from reattend.records.stories import Prompts, Story

KEPT_ASIDE = ("text", "kv_bytes")  # of a part, what is no measure of the story


def tell(task: Stories, config: Mapping[str, Any], policy: Policy, *, name: str, folder: Path) -> StoriesRecord:
    """The record of a version's stories, which goes on after those that an earlier attempt finished."""
    meter = Meter(threads=config["threads"])
    prompts, source = task.prompts()
    lm = build_lm(config["lm"]).load()
    writer = Writer(task, lm, policy, prompts, seed=config["seed"], chunk=config["chunk"])
    described: Prompts = {"source": source, "sha256": checksum(prompts), "count": len(prompts)}
    identity = {"config_hash": config_hash(config), "lm": lm.identity(), "prompts": described}
    unfinished = Unfinished(folder, identity, fresh=config["force"])
    with SentenceProgress(total=task.count, shown=config["progress"], does="writing", units="stories") as progress:
        progress.add(len(unfinished.parts))
        writer.tell = progress.within
        while todo := [n for n in range(task.count) if unfinished.find(number=n) is None]:
            try:
                parts = writer.stories(todo[: writer.batch_size])
            except KeyboardInterrupt:
                raise Interrupted(name, len(unfinished.parts), task.count, what="stories") from None
            for part in parts:
                unfinished.add(part)
            progress.add(len(parts))
    parts = sorted(unfinished.parts, key=lambda part: part["number"])
    told = [_told(part, prompts[part["prompt"]]) for part in parts]
    stories: Any = [{key: value for key, value in part.items() if key not in KEPT_ASIDE} for part in parts]
    seconds = sum(part["seconds"] for part in parts)
    return StoriesRecord(
        **meter.origin(config, name=name, device=writer.device),
        metrics=metrics(stories),
        lm=lm.identity(),  # type: ignore[arg-type]
        prompts=described,
        predictions=save(Path(str(config["results_dir"])), name, map(asdict, told)),
        stories=stories,
        state={
            "entries_per_layer": float(max(writer.kept(part) for part in stories)),
            "kv_bytes": max(part["kv_bytes"] for part in parts),
        },
        timing={
            **meter.clock.read(),
            "writing_seconds": seconds,
            "tokens_per_second": sum(part["tokens"] for part in parts) / seconds,
        },
    )


def _told(part: Mapping[str, Any], prompt: str) -> Told:
    return Told(
        number=part["number"],
        prompt=prompt,
        text=part["text"],
        ended=part["ended"],
        untouched=part["untouched"],
    )


def metrics(stories: Sequence[Story]) -> dict[str, Metric]:
    """Means over stories, of those that have the measure; nats are per token of all stories together."""
    found = {}
    for key, unit in MEASURES.items():
        values = [float(story[key]) for story in stories if story[key] is not None]  # type: ignore[literal-required]
        if values:
            found[key] = Metric(sum(values) / len(values), unit, sum(values), len(values))
    tokens = sum(story["tokens"] for story in stories)
    if tokens:
        nats = sum(story["full_nats"] for story in stories)
        found["full_nats_per_token"] = Metric(nats / tokens, "nats per token", nats, tokens)
    return found


MEASURES = {
    "tokens": "tokens",
    "words": "words",
    "ended": "share of stories",
    "untouched": "share of stories",
    "distinct_1": "share of words",
    "distinct_2": "share of pairs of words",
    "repeated_4": "share of 4-grams",
    "longest_repeat": "tokens",
}


class Writer:
    """Stories of one version; a batch gets smaller where a GPU has no room for it."""

    def __init__(
        self, task: Stories, lm: LanguageModel, policy: Policy, prompts: Sequence[str], *, seed: int, chunk: int
    ) -> None:
        self.lm, self.policy, self.seed, self.chunk = lm, policy, seed, chunk
        self.choice = Choice(temperature=task.temperature, top_p=task.top_p)
        self.batch_size = task.batch_size
        address = Address.of(lm, chat=task.chat, bos=task.bos, instead=f"false, as {lm.name} has no template for chats")
        self.prompts = [address.tokens(address.said(prompt)) for prompt in prompts]
        self.longest = task.length(max(len(prompt) for prompt in self.prompts), lm.context)
        self.device = next(lm.model.parameters()).device
        self.tell: Callable[[int], None] = lambda tokens: None  # how long the stories under way are

    def stories(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        """The parts of an unfinished run that these stories are; of fewer of them if there is no room for all."""
        parts, count = halved(
            "task.batch_size",
            len(numbers),
            lambda count: self._stories(numbers[:count]),
            expected="a GPU with room for the model and one story",
            fix="Lower task.longest or policy.size.",
        )
        if count < len(numbers):
            self.batch_size = count
        return parts

    def _stories(self, numbers: Sequence[int]) -> list[dict[str, Any]]:
        clock = time.perf_counter()
        prompts = [number % len(self.prompts) for number in numbers]
        tokens, real = padded([self.prompts[prompt] for prompt in prompts], left=True)
        reading = begin(self.lm, self.policy)
        last = reading.read(tokens, real=None if real.all() else real, last=1)[:, -1]
        streams = [stream(self.seed, f"story/{number}") for number in numbers]
        found = write(
            reading,
            last,
            longest=self.longest,
            ends=self.lm.ends(),
            choice=self.choice,
            streams=streams,
            tell=self.tell,
        )
        seconds = (time.perf_counter() - clock) / len(numbers)
        return [
            {"number": number, "prompt": prompt, **self._measured(self.prompts[prompt], written), "seconds": seconds}
            for number, prompt, written in zip(numbers, prompts, found, strict=True)
        ]

    def _measured(self, prompt: Sequence[int], written: Written) -> dict[str, Any]:
        text = self.lm.tokenizer.decode(written.tokens)
        words = words_of(text)
        read = _read(len(prompt), len(written.tokens), written.ended)
        nats, bytes_of_entry = self._under_full(prompt, written.tokens)
        part = {
            "text": text,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "prompt_tokens": len(prompt),
            "tokens": len(written.tokens),
            "words": len(words),
            "ended": written.ended,
            "untouched": written.ended and (self.policy.lossless is None or read <= self.policy.lossless),
            "own_nats": -written.log_p,
            "full_nats": nats,
            "distinct_1": distinct(words, 1),
            "distinct_2": distinct(words, 2),
            "repeated_4": repeated(written.tokens, 4),
            "longest_repeat": longest_repeat(written.tokens),
        }
        return part | {"kv_bytes": round(bytes_of_entry * self.kept(part))}

    def kept(self, story: Mapping[str, Any]) -> int:
        """The most entries of a layer while it was written."""
        read = _read(story["prompt_tokens"], story["tokens"], story["ended"])
        size = getattr(self.policy, "size", None)
        return read if size is None else min(read, size)

    def _under_full(self, prompt: Sequence[int], tokens: Sequence[int]) -> tuple[float, float]:
        """Summed -ln p of a story's tokens with all before them in the state; the bytes of an entry of all layers."""
        reading = begin(self.lm, Full())
        ids = torch.tensor([*prompt, *tokens])
        nats = 0.0
        for start in range(0, len(ids), self.chunk):
            logits = reading.read(ids[None, start : start + self.chunk])[0]  # [C, vocabulary]
            aim = ids[start + 1 : start + 1 + len(logits)].to(logits.device)  # the last token is followed by none
            skipped = max(0, len(prompt) - 1 - start)  # what predicts the prompt
            if skipped < len(aim):
                nats += float(F.cross_entropy(logits[skipped : len(aim)].float(), aim[skipped:], reduction="sum"))
        return nats, reading.kept_bytes() / reading.entries()


def _read(prompt: int, tokens: int, ended: bool) -> int:
    """How many tokens the model has read: of a story that was cut, all but the last."""
    return prompt + tokens - (not ended)
