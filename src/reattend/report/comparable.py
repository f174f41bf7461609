"""Records whose scores are of different things cannot stand in one table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from reattend.records.record import LanguageModel, Record, RecordError

R = TypeVar("R", bound=Record)


class OfModel(Protocol):
    """A record of a pretrained model."""

    @property
    def lm(self) -> LanguageModel: ...


def weights(record: OfModel) -> list[str]:
    """What tells the weights that it was made with from any others."""
    lm = record.lm
    return [f"{key} {lm[key]}" for key in ("architecture", "parameters", "dtype", "sha256")]


def refuse_to_mix(
    records: Sequence[R], aspects: Mapping[str, Callable[[R], object]], *, table: str, remedy: str
) -> None:
    """A RecordError for the first record that differs from the first of all in one of `aspects`."""
    first = records[0]
    for what, aspect in aspects.items():
        for record in records:
            if aspect(record) != aspect(first):
                problem = f"{what} is {aspect(record)} but {first.name} has {aspect(first)}"
                raise RecordError(record.name, problem, f"Their scores cannot stand in one table ({table}): {remedy}")
