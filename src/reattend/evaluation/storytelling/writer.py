"""Stories drawn side by side under a policy, each from its own stream of random numbers and measured when it ends."""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

from reattend.cache import Policy
from reattend.decoding.writing import Choice, Written, write
from reattend.evaluation.address import Address
from reattend.evaluation.room import halved
from reattend.evaluation.stories import Stories
from reattend.evaluation.storytelling.measures import repetition, under_full
from reattend.metrics.texts import words_of
from reattend.models.initialise import stream
from reattend.models.language import LanguageModel
from reattend.models.reading import begin, padded


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
        read = len(prompt) + len(written.tokens) - (not written.ended)  # of a story that was cut, all but the last
        size = getattr(self.policy, "size", None)
        entries = read if size is None else min(read, size)  # of a layer, at most
        nats, bytes_of_entry = under_full(self.lm, prompt, written.tokens, chunk=self.chunk)
        return {
            "text": text,
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "prompt_tokens": len(prompt),
            "tokens": len(written.tokens),
            "words": len(words),
            "ended": written.ended,
            "untouched": written.ended and (self.policy.lossless is None or read <= self.policy.lossless),
            "own_nats": -written.log_p,
            "full_nats": nats,
            **repetition(words, written.tokens),
            "entries": float(entries),
            "kv_bytes": round(bytes_of_entry * entries),
        }
