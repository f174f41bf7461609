"""The mean -ln p of the next token, judged by its bits on the valid split."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from reattend.data import Corpus, build_corpus
from reattend.records import Metric
from reattend.training.objective import Evaluator, Objective, Validation, bits_per_token


class LanguageModelling(Objective):
    def corpus(self, config: Mapping[str, Any]) -> Corpus:
        return build_corpus(config)

    def losses(self, model: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        nats, count = model.loss(*batch)  # type: ignore[operator]
        return nats / count, nats, count

    def validate(self, module: Evaluator, corpus: Corpus) -> Validation:
        bits = module.evaluate(corpus.evaluation_batches("valid", limit=corpus.valid_limit)).bits_per_token()
        return Validation(bits, criterion=bits)

    def score(self, module: Evaluator, corpus: Corpus) -> dict[str, Metric]:
        return bits_per_token(module, corpus)
