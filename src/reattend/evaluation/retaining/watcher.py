"""A reader that notes when every entry of each chunk leaves, and counts what follows from it."""

import numpy as np

from reattend.cache.base import Bounded
from reattend.cache.engine import BoundedLayer
from reattend.data import Document
from reattend.evaluation.retaining.residence import FIRST, Layer, Leaving
from reattend.evaluation.retaining.tagging import Tagger
from reattend.evaluation.retaining.tagging.tokens import token_tags
from reattend.evaluation.scoring.reader import Reader
from reattend.models.language import LanguageModel
from reattend.models.language.tokens import Tokens
from reattend.models.reading import Reading
from reattend.records.retention import RetentionPart

BOS = "BOS"  # what stands for a part of speech where there is no text


class Watcher(Reader):
    """Scores chunks and notes when entries leave; what only sums over chunks are needed of is a part's `whole`."""

    def __init__(
        self, lm: LanguageModel, policy: Bounded, *, chunk: int, bos: int | None, tagger: Tagger | None
    ) -> None:
        super().__init__(lm, policy, chunk=chunk, bos=bos)
        self.size, self.tagger = policy.size, tagger
        self.tokens = 2  # of the text under way, at first of the one that warms up
        self.leaving: list[Leaving] = []
        self.tagged: tuple[str, list[str]] = "", []  # a document and the tags of its tokens

    def begin(self) -> Reading:
        reading = super().begin()
        self.leaving = [Leaving(self.tokens) for _ in reading.layers]
        for state, layer in zip(reading.layers, self.leaving, strict=True):
            assert isinstance(state, BoundedLayer)
            state.watcher = layer
        return reading

    def part(self, text: Document, tokens: Tokens, piece: range) -> RetentionPart:
        self.tokens = len(self.start) + len(piece)
        scored = super().part(text, tokens, piece)
        layers = [Layer(found.left, self.size) for found in self.leaving]
        residence = [layer.residence() for layer in layers]
        by_token = np.sum([steps.sum(axis=0) for steps in residence], axis=0)  # [T]
        by_set = [{name: getattr(layer, name)().tolist() for name in ("kept", "recent", "at_once")} for layer in layers]
        maps = [layer.map() for layer in layers]  # of [S, P]
        whole = {
            "layers": by_set,
            "first": by_token[:FIRST].tolist(),
            "stayed": np.sum([layer.stayed() for layer in layers], axis=0).tolist(),
            "by_step": np.sum(maps, axis=0).tolist(),
            "by_layer": [found[-1].tolist() for found in maps],
        }
        counts = {key: sum(sum(layer[key]) for layer in by_set) for key in ("kept", "recent", "at_once")}
        return scored | {  # type: ignore[return-value]
            "read": self.tokens,
            "sets": sum(len(steps) for steps in residence),
            "steps": int(by_token.sum()),
            **counts,
            "first": int(by_token[0]),
            "tags": self._by_tag(text, tokens, piece, by_token),
            "whole": whole,
        }

    def _by_tag(self, text: Document, tokens: Tokens, piece: range, steps: np.ndarray) -> dict[str, str]:
        if self.tagger is None:
            return {}
        if self.tagged[0] != text.title:
            self.tagged = text.title, token_tags(text.text, tokens.spans, self.tagger)
        tags = [BOS] * len(self.start) + self.tagged[1][piece.start : piece.stop]
        names, which = np.unique(tags, return_inverse=True)
        counts, sums = np.bincount(which), np.bincount(which, weights=steps)
        return {str(name): f"{n} {int(total)}" for name, n, total in zip(names, counts, sums, strict=True)}
