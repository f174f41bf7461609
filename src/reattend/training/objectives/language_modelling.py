"""The mean -ln p of the next token, judged by its bits on the valid split."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from reattend.data import Corpus, build_corpus
from reattend.metrics.likelihood import Likelihood
from reattend.records import Metric
from reattend.settings import SettingError, at_least
from reattend.training.objective import Evaluator, Objective, Validation, bits


class LanguageModelling(Objective):
    def __init__(self, *, window: int | None = None, stride: int | None = None, score_limit: int | None = None) -> None:
        """How the final score reads a split; each None is the plain way (see the option's file)."""
        for setting, value in (("window", window), ("stride", stride), ("score_limit", score_limit)):
            at_least(f"objective.{setting}", value, 1)
        self.window, self.stride, self.score_limit = window, stride, score_limit

    def corpus(self, config: Mapping[str, Any]) -> Corpus:
        corpus = build_corpus(config)
        window = self.window or corpus.context
        if window > corpus.context:
            expected = f"at most data.context ({corpus.context}), for which the model is made"
            raise SettingError("objective.window", window, expected, "Lower objective.window.")
        if (self.stride or window) > window:
            expected = f"at most the window ({window}), or tokens would be left out"
            raise SettingError("objective.stride", self.stride, expected, "Lower objective.stride.")
        at_least("objective.score_limit", self.score_limit, self.stride or window)
        return corpus

    def keep(self, corpus: Corpus) -> dict[str, Any]:
        words = corpus.words()
        return {} if words is None else {"words": words}

    def losses(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        nats, count = model.loss(*batch)  # type: ignore[operator]
        return nats / count, nats, count

    def validate(self, module: Evaluator, corpus: Corpus) -> Validation:
        bits = module.evaluate(corpus.evaluation_batches("valid", limit=corpus.valid_limit)).bits_per_token()
        return Validation(bits, criterion=bits)

    def score(self, module: Evaluator, corpus: Corpus) -> dict[str, Metric]:
        metrics = {}
        for split in ("valid", "test"):
            batches = corpus.evaluation_batches(split, limit=self.score_limit, window=self.window, stride=self.stride)
            found = module.evaluate(batches)
            metrics[f"{split}/bits_per_{corpus.unit}"] = bits(found, unit=corpus.unit)
            if (words := corpus.words_of(split)) and self.score_limit is None:
                metrics[f"{split}/bits_per_word"] = bits(Likelihood(found.nats, words), unit="word")
        return metrics
