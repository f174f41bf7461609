"""Sentences through a translation model, batch by batch."""

import dataclasses
import time
from typing import Any

import torch

from reattend.decoding import Hypothesis, Search, translate
from reattend.decoding.beam import Beam
from reattend.decoding.sampling import Sampling
from reattend.decoding.translate import batches
from reattend.evaluation.translating.sentences import Encoded, Sentences, encode
from reattend.evaluation.translation import Settings
from reattend.models.checkpoint import Translator, load_translator
from reattend.models.device import device


class Job:
    """One checkpoint and one set of sentences."""

    def __init__(self, settings: Settings, given: Sentences) -> None:
        self.settings = settings
        self.search = _search(settings)
        if settings.threads is not None:
            torch.set_num_threads(settings.threads)
        self.translator: Translator = load_translator(settings.path, setting="checkpoint")
        self.pipeline = self.translator.pipeline
        given.refuse_other(self.pipeline)
        self.model = self.translator.model.requires_grad_(False).to(device("auto"))
        self.encoded: Encoded = encode(given, self.pipeline, longest=self.model.context)
        # a sentence without a word needs no model: its translation is empty
        self.spoken = [i for i, ids in enumerate(self.encoded.ids) if len(ids) > 1]
        lengths = [len(self.encoded.ids[i]) for i in self.spoken]
        self.batches = [[self.spoken[i] for i in batch] for batch in batches(lengths, self._room)]

    @property
    def _room(self) -> int:
        return self.settings.max_tokens // self.search.lanes

    def translated(self, batch: list[int]) -> dict[str, Any]:
        """A part of an unfinished run: one batch."""
        clock = time.perf_counter()
        ids = [self.encoded.ids[i] for i in batch]
        found = translate(self.model, ids, self.search, max_tokens=self.settings.max_tokens, numbers=batch)
        hypotheses = [[dataclasses.asdict(one) for one in best] for best in found]
        return {"batch": batch, "hypotheses": hypotheses, "seconds": time.perf_counter() - clock}

    def gathered(self, parts: list[dict[str, Any]]) -> list[list[Hypothesis]]:
        """[sentence][hypothesis], in the order of the file."""
        found: dict[int, list[Hypothesis]] = {}
        for part in parts:
            for i, best in zip(part["batch"], part["hypotheses"], strict=True):
                found[i] = [Hypothesis(**one) for one in best]
        empty = [Hypothesis(tokens=[], score=0.0, log_probability=0.0)]
        return [found.get(i, empty) for i in range(len(self.encoded.ids))]


def _search(settings: Settings) -> Search:
    kind: Any = Beam if settings.temperature is None else Sampling
    options = {field.name for field in dataclasses.fields(kind)}
    values = vars(settings) | {"count": settings.n_best}
    found: Search = kind(**{key: value for key, value in values.items() if key in options})
    return found
