"""What a training run minimises and what it is judged by; an option is one file of `objectives`."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn

from reattend.data import Corpus, ParallelCorpus
from reattend.metrics.likelihood import Likelihood
from reattend.records import Metric
from reattend.settings import SettingError

Trainable = Corpus | ParallelCorpus


class Evaluator(Protocol):
    """The model as it stands, without dropout, which objectives ask about whole splits."""

    model: Any

    def evaluate(self, batches: Iterable[Any]) -> Likelihood: ...


@dataclass(frozen=True)
class Validation:
    """What a validation found."""

    bits: float  # per token
    criterion: float  # the lowest so far makes the best checkpoint
    more: dict[str, float] = field(default_factory=dict)  # what else was measured, by name


class Objective(ABC):
    """Between a corpus and the loop that trains on it."""

    patience: int | None = None  # validations without a better one after which training ends; None: never
    average: int = 0  # the weights of so many last validations are averaged and scored; 0: those of the best are scored

    @abstractmethod
    def corpus(self, config: Mapping[str, Any]) -> Trainable:
        """What the `data` group of a composed config describes."""

    def trained_on(self, config: Mapping[str, Any]) -> Trainable:
        """What the whole of a composed config describes to train on."""
        if "lm" in config:
            expected = f"no pretrained model: objective={config['objective']['name']} trains one from its start"
            raise SettingError("lm", config["lm"]["name"], expected, "Leave lm out, or set experiment=retrofit.")
        return self.corpus(config["data"])

    def given(self, corpus: Any) -> dict[str, Any]:
        """What a model is told of what it is trained on."""
        return {"vocabulary": corpus.vocabulary, "context": corpus.context}

    def prepared(self, model: Any, corpus: Any) -> Any:
        """The model as its training begins, which may be refused."""
        return model

    def before(self, module: Evaluator, corpus: Any) -> dict[str, Metric]:
        """Scores of the model as it is before its first step, which a record keeps beside those of the end."""
        return {}

    def keep(self, corpus: Any) -> dict[str, Any]:
        """What a checkpoint needs beside the weights, in plain values."""
        return {}

    @abstractmethod
    def losses(self, model: nn.Module, batch: Any) -> tuple[Tensor, Tensor, Tensor]:
        """The loss to descend, the summed -ln p of the batch's targets and their number."""

    @abstractmethod
    def validate(self, module: Evaluator, corpus: Any) -> Validation:
        """A quick look at the valid split."""

    @abstractmethod
    def score(self, module: Evaluator, corpus: Any) -> dict[str, Metric]:
        """The whole valid and test splits."""


def bits(found: Likelihood, *, unit: str) -> Metric:
    """Bits per unit of what was found over so many units."""
    return Metric(value=found.bits_per_token(), unit=f"bits per {unit}", sum=found.bits, count=found.count)


def bits_per_token(module: Evaluator, corpus: Trainable) -> dict[str, Metric]:
    """`<split>/bits_per_<unit>` of the whole valid and test splits."""
    return {
        f"{split}/bits_per_{corpus.unit}": bits(module.evaluate(corpus.evaluation_batches(split)), unit=corpus.unit)
        for split in ("valid", "test")
    }
