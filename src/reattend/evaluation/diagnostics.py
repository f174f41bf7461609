"""Measure a trained model's layers and gradients, and those of the same model at initialisation: same seed, same text.

What the quantities are: reattend.diagnostics. In float64, as a collapsed layer differs in its last digits alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from reattend.data.store import digest
from reattend.evaluation.base import Task
from reattend.evaluation.likelihood import completed
from reattend.jobs import once
from reattend.records import DiagnosticsRecord
from reattend.records.record import Series
from reattend.settings import SettingError, at_least, typed

LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The keys of the task."""

    checkpoint: str
    split: str
    samples: int
    length: int | None
    rows: int
    threads: int | None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Settings":
        hints = get_type_hints(cls)
        values = {field.name: typed(field.name, config[field.name], hints[field.name]) for field in fields(cls)}
        for key, lowest in (("samples", 1), ("length", 2), ("rows", 1), ("threads", 1)):
            if values[key] is not None:
                at_least(key, values[key], lowest)
        return cls(**values)

    @property
    def path(self) -> Path:
        return Path(self.checkpoint).expanduser()


class Diagnostics(Task):
    def __init__(self) -> None:
        """Its options are keys of the whole configuration: `samples=16`."""

    def run(self, config: Mapping[str, Any]) -> str:
        settings = Settings.of(config)
        from reattend.models.checkpoint import read_checkpoint, refuse_fine_tuned

        kept = read_checkpoint(settings.path, setting="checkpoint")["reattend"]
        refuse_fine_tuned(kept, path=settings.path, setting="checkpoint")
        if "pipeline" in kept:
            expected = "a language model; this one translates"
            raise SettingError("checkpoint", settings.checkpoint, expected, "Choose another checkpoint.")
        if settings.split not in kept["data"]["splits"]:
            names = ", ".join(kept["data"]["splits"])
            raise SettingError("split", settings.split, f"one of {names}", "Set split to one of them.")
        context = kept["config"]["data"]["context"]
        if settings.length is not None and settings.length > context:
            expected = f"at most {context:,}, the context that the model was made for"
            raise SettingError("length", settings.length, expected, "Lower length.")
        whole = completed(config, kept["config"])

        def work(name: str, folder: Path) -> DiagnosticsRecord:
            from reattend.evaluation.diagnosing import diagnose

            return diagnose(whole, settings, kept, name=name, length=settings.length or min(LENGTH, context))

        record = once(whole, DiagnosticsRecord, work, keeps="unfinished")
        if digest(settings.path) != record.model["sha256"]:
            expected = f"the weights of the record {record.name}; the file has changed since"
            fix = "Say force=true to do it again, or give this run a name=..."
            raise SettingError("checkpoint", settings.checkpoint, expected, fix)
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
