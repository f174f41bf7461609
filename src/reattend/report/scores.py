"""One metric of a record, or a message that names those it has."""

from typing import Protocol

from reattend.records.record import Metric, RecordError

BITS = "bits_per_"  # how the metrics begin that are better the lower, and have a perplexity


class Scored(Protocol):
    """A record, or something that came of one."""

    @property
    def name(self) -> str: ...
    @property
    def metrics(self) -> dict[str, Metric]: ...


def metric_of(record: Scored, name: str, *, setting: str) -> Metric:
    """The metric `name`, which `setting` of a table asks for."""
    if name not in record.metrics:
        known = ", ".join(sorted(record.metrics)) or "none"
        raise RecordError(record.name, f"has no metric {name} (it has {known})", f"Set {setting} to one of these")
    return record.metrics[name]
