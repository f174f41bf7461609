"""Records whose scores are of different things cannot stand in one table."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from reattend.records.record import Record, RecordError

R = TypeVar("R", bound=Record)


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
