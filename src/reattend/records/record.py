"""What a record holds. The types below are the schema: reading a file checks it against them.

The nested parts are typed dictionaries, plain `dict`s while the program runs, so that a part may carry more
than the keys that every reader relies on.
"""

from dataclasses import dataclass
from typing import Any, TypedDict

from reattend.settings import Stop

# Raise it when a field is added, removed or changes its meaning.
SCHEMA = 1


class RecordError(Stop, ValueError):
    """A record that cannot be used: says which, what is wrong with it and how to put it right."""

    def __init__(self, where: object, problem: str, fix: str) -> None:
        super().__init__(f"{where}: {problem}. {fix}.")


@dataclass(frozen=True)
class Metric:
    """A mean that keeps its sum and count, so that parts of a split can be added up again."""

    value: float  # sum / count
    unit: str
    sum: float
    count: int


class Git(TypedDict):
    commit: str | None
    dirty: bool | None  # whether the code differed from the commit


class Hardware(TypedDict):
    machine: str
    processor: str
    cores: int
    threads: int
    memory_bytes: int
    accelerator: str | None


class Parameters(TypedDict):
    total: int
    attention_extra: int  # what the mechanism adds to the model with softmax


class Split(TypedDict):
    tokens: int
    sha256: str


class Data(TypedDict):
    name: str
    unit: str
    source: str
    licence: str
    sha256: str
    splits: dict[str, Split]


class CurvePoint(TypedDict):
    step: int
    tokens: int
    train_bits: float | None
    valid_bits: float | None  # None where no validation ran


class Timing(TypedDict):
    started: str  # ISO 8601, UTC
    finished: str
    wall_seconds: float
    train_seconds: float
    tokens_per_second: float
    curve_seconds: list[float]


class Memory(TypedDict):
    peak_bytes: int
    what: str  # "resident set" or "cuda"


@dataclass(frozen=True)
class Record:
    """One finished run."""

    schema: int
    name: str
    config: dict[str, Any]
    config_hash: str
    seed: int
    git: Git
    versions: dict[str, str]
    hardware: Hardware
    parameters: Parameters
    data: Data
    metrics: dict[str, Metric]  # "test/bits_per_byte", ...
    curve: list[CurvePoint]
    learned: dict[str, Any]  # e.g. the lambdas of each layer; empty for softmax
    timing: Timing
    memory: Memory
