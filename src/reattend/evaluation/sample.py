"""Continue a prompt, a token at a time, with the state that the cache policy keeps."""

from collections.abc import Mapping
from typing import Any

import torch

from reattend.evaluation.base import Task
from reattend.evaluation.under_policy import policy_of
from reattend.models.language import build_lm
from reattend.models.reading import begin
from reattend.settings import SettingError, at_least


class Sample(Task):
    """Bytes that are no UTF-8 show as the replacement sign."""

    def __init__(self, *, prompt: str, length: int, temperature: float) -> None:
        at_least("task.length", length, 0)
        at_least("task.temperature", temperature, 0)
        if not prompt:
            raise SettingError("task.prompt", '""', "at least one character", "Give task.prompt some text.")
        self.prompt, self.length, self.temperature = prompt, length, temperature

    def run(self, config: Mapping[str, Any]) -> str:
        policy = policy_of(config)
        lm = build_lm(config["lm"]).load()
        reading = begin(lm, policy)
        new = lm.encode(self.prompt).ids[None]  # [1, T]
        tokens = new[0].tolist()
        draw = torch.Generator().manual_seed(config["seed"])
        for _ in range(self.length):
            logits = reading.read(new)[:, -1].float().cpu()
            if self.temperature == 0:
                new = logits.argmax(-1, keepdim=True)
            else:
                new = torch.multinomial((logits / self.temperature).softmax(-1), 1, generator=draw)
            tokens.append(int(new))
        return lm.tokenizer.decode(tokens)
