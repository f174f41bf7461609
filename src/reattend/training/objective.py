"""What a training run minimises and what it is judged by; an option is one file of `objectives`."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn

from reattend.data import Corpus, ParallelCorpus
from reattend.metrics.likelihood import Likelihood
from reattend.records import Metric

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
