"""A pretrained decoder and the beginning of a text, read from an empty state: at once, token by token, or unbounded."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import Any, cast

import torch

from reattend.bench.measure import Step
from reattend.cache import Policy, PolicyCache, build_policy
from reattend.data import build_documents
from reattend.models.decoder import Decoder
from reattend.models.language import build_lm
from reattend.settings import SettingError


class Reader:
    """Reads the first tokens of one text again and again; a pass under a policy takes `chunk` of them at once."""

    def __init__(self, lm: Mapping[str, Any], data: Mapping[str, Any], *, tokens: int, chunk: int | None) -> None:
        self.lm = build_lm(lm).load()
        if isinstance(self.lm.model, Decoder):
            expected = "a pretrained decoder of the transformers library, whose own attention is the other side"
            raise SettingError("suite.lm", lm["name"], expected, "Choose another, such as lm@suite.lm=smollm2.")
        self.model = cast(Any, self.lm.model)
        self.attention: str = self.model.config._attn_implementation  # the model's own, before a policy takes its place
        self.device = next(self.model.parameters()).device
        self.chunk = chunk
        found = self.lm.encode(build_documents(data).documents()[0].text).ids
        self.ids = found.repeat(-(-tokens // len(found)))[None, :tokens].to(self.device)  # [1, T]

    def __str__(self) -> str:
        return f"{self.lm.name}, {self.lm.dtype} on {self.device.type}, {torch.get_num_threads()} threads of the CPU"

    def under(self, policy: Policy, tokens: int) -> PolicyCache:
        """Read so many tokens under a policy, up to the last hidden states."""
        return self._pass(self.model.base_model, policy, tokens)

    def scored(self, policy: Policy, tokens: int) -> PolicyCache:
        """The same, with the logits of each token."""
        return self._pass(self.model, policy, tokens)

    def _pass(self, module: Callable[..., Any], policy: Policy, tokens: int) -> PolicyCache:
        cache = PolicyCache(self.model, policy)
        for part in self.ids[:, :tokens].split(self.chunk or tokens, dim=1):
            module(input_ids=part, past_key_values=cache)
        return cache

    def one_by_one(self, policy: Policy, tokens: int, *, steps: int, rounds: int) -> tuple[Step, PolicyCache]:
        """A step that reads and scores the next `steps` tokens; after `rounds` of them `tokens` are read."""
        start = tokens - steps * rounds
        cache = self.under(policy, start)
        rest = iter(self.ids[:, start:tokens].split(1, dim=1))

        def step() -> None:
            for token in islice(rest, steps):
                self.model(input_ids=token, past_key_values=cache)

        return step, cache

    def full(self, tokens: int) -> None:
        """Read so many tokens at once by the model's own attention, up to the last hidden states; nothing is kept."""
        self.model.set_attn_implementation(self.attention)
        self.model.base_model(input_ids=self.ids[:, :tokens], use_cache=False)


def prepare(
    *,
    lm: Mapping[str, Any],
    data: Mapping[str, Any],
    policy: Mapping[str, Any],
    tokens: int,
    chunk: int | None,
    device: torch.device,
) -> Step:
    """A pass over `tokens`. The model is loaded, and a first pass of two tokens has brought its weights into memory."""
    reader, rule = Reader(lm, data, tokens=tokens, chunk=chunk), build_policy(policy)
    assert reader.device == device, f"the model is on {reader.device}, measured is {device}"
    reader.under(rule, 2)
    return partial(reader.under, rule, tokens)
