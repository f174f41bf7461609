"""Measure a trained model's layers and gradients, and those of the same model at initialisation: same seed, same text.

What the quantities are: reattend.diagnostics. In float64, as a collapsed layer differs in its last digits alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reattend.evaluation.base import Task
from reattend.evaluation.on_checkpoint import OnCheckpoint, completed
from reattend.jobs import once
from reattend.records import DiagnosticsRecord
from reattend.records.record import Series
from reattend.settings import SettingError, at_least

LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class Settings(OnCheckpoint):
    """The keys of the task."""

    samples: int
    length: int | None
    rows: int

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Settings":
        values = cls.values(config)
        for key, lowest in (("samples", 1), ("length", 2), ("rows", 1), ("threads", 1)):
            at_least(key, values[key], lowest)
        return cls(**values)


class Diagnostics(Task):
    def __init__(self) -> None:
        """Its options are keys of the whole configuration: `samples=16`."""

    def run(self, config: Mapping[str, Any]) -> str:
        settings = Settings.of(config)
        kept = settings.language_model()
        context = kept["config"]["data"]["context"]
        if settings.length is not None and settings.length > context:
            expected = f"at most {context:,}, the context that the model was made for"
            raise SettingError("length", settings.length, expected, "Lower length.")
        whole = completed(config, kept["config"])

        def work(name: str, folder: Path) -> DiagnosticsRecord:
            from reattend.evaluation.diagnosing.run import diagnose

            return diagnose(whole, settings, kept, name=name, length=settings.length or min(LENGTH, context))

        record = once(whole, DiagnosticsRecord, work, keeps="unfinished")
        settings.refuse_changed(record.model["sha256"], record=record.name)
        return summary(record)


def summary(record: DiagnosticsRecord) -> str:
    """A block for each stack: quantities by layer, at initialisation and trained."""
    data, layers = record.data, range(record.model["layers"] + 1)
    lines = [
        f"{record.model['name']}: {data['samples']} blocks of {data['length']} {data['unit']}s, "
        f"{data['split']} split of {data['name']}; means over blocks"
    ]
    grouped: dict[str, dict[str, list[Series]]] = {}
    for one in record.series:
        grouped.setdefault(one["stack"], {}).setdefault(one["quantity"], []).append(one)
    for stack, quantities in grouped.items():
        lines += ["", f"{stack:<16} layer   " + "".join(f"{layer:>10}" for layer in layers)]
        lines += [_line(one, layers) for both in quantities.values() for one in both]
    return "\n".join(lines)


def _line(one: Series, layers: range) -> str:
    by_layer = dict(zip(one["layers"], one["mean"], strict=True))
    cells = "".join(f"{'' if (value := by_layer.get(layer)) is None else f'{value:.3g}':>10}" for layer in layers)
    return f"{one['quantity']:<16} {one['when']:<7} {cells}"
