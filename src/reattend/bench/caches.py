"""Sides of the throughput suite: a cache after one sequence was read with it, and the same for many sequences."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from transformers import DynamicCache, StaticCache
from transformers.cache_utils import Cache, DynamicSlidingWindowLayer

from reattend.bench.reading import Reader
from reattend.cache import build_policy


class Side(ABC):
    """One kind of cache."""

    name: str
    size: int | None  # entries of a layer; None: all

    @abstractmethod
    def sequence_bytes(self) -> int:
        """The keys and values that are kept of one sequence."""

    @abstractmethod
    def of(self, rows: int) -> Any:
        """The cache of so many sequences, each as the one that was read."""


class Ours(Side):
    """A cache policy of this project, which reads the first `tokens` of the text."""

    def __init__(self, reader: Reader, policy: Mapping[str, Any], *, tokens: int) -> None:
        self.name, self.size = policy["name"], policy.get("size")
        self.cache, self.device = reader.under(build_policy(policy), tokens), reader.device

    def sequence_bytes(self) -> int:
        return sum(state.kept_bytes() for state in self.cache.states)

    def of(self, rows: int) -> Any:
        return self.cache.fork(torch.zeros(rows, dtype=torch.int64, device=self.device))


class Peer(Side):
    """A cache of the transformers library, filled with what one of ours keeps of `tokens`."""

    def __init__(self, ours: Ours, *, tokens: int) -> None:
        self.ours, self.tokens, self.size = ours, tokens, ours.size

    def sequence_bytes(self) -> int:
        return self.ours.sequence_bytes()

    @abstractmethod
    def empty(self) -> Any:
        """A cache that nothing was read with."""

    def of(self, rows: int) -> Any:
        cache = self.empty()
        for index, state in enumerate(self.ours.cache.states):
            cache.update(*(tensor.expand(rows, -1, -1, -1) for tensor in state.tensors()), index)
        return cache


class Dynamic(Peer):
    """It grows by a token at each step, which copies all it has."""

    name = "transformers dynamic"

    def empty(self) -> Any:
        return DynamicCache()


class Static(Peer):
    """Allocated at once, for `longest` tokens."""

    name = "transformers static"

    def __init__(self, ours: Ours, *, tokens: int, longest: int, config: Any) -> None:
        super().__init__(ours, tokens=tokens)
        self.longest, self.config = longest, config

    def empty(self) -> Any:
        return StaticCache(config=self.config, max_cache_len=self.longest)


class Sliding(Peer):
    """The last `size` entries, of the policy `window`."""

    name = "transformers sliding"

    def empty(self) -> Any:
        assert self.size is not None
        visible = self.size + 1  # the current token counts there
        layers: list[Any] = [DynamicSlidingWindowLayer(visible) for _ in self.ours.cache.states]
        return Cache(layers=layers)

    def of(self, rows: int) -> Any:
        cache = super().of(rows)
        for layer in cache.layers:
            layer.cumulative_length = self.tokens  # positions go on from there
        return cache
