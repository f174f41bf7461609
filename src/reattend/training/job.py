"""One training job of a sweep; imports torch only if there is something to train."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reattend.jobs import once
from reattend.records import TrainingRecord


def run_job(config: Mapping[str, Any]) -> TrainingRecord:
    """Train what `config` composes and return its record, which then lies in results_dir/runs."""

    def work(name: str, folder: Path) -> TrainingRecord:
        from reattend.training.fit import fit

        return fit(config, name=name, folder=folder)

    return once(config, TrainingRecord, work, keeps="checkpoints")
