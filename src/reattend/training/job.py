"""One training job of a sweep; imports torch only if there is something to train."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reattend.jobs import once
from reattend.menus import menu
from reattend.records import TrainingRecord
from reattend.settings import SettingError


def run_job(config: Mapping[str, Any]) -> TrainingRecord:
    """Train what `config` composes and return its record, which then lies in results_dir/runs."""
    _check_scale(config)

    def work(name: str, folder: Path) -> TrainingRecord:
        from reattend.training.fit import fit

        return fit(config, name=name, folder=folder)

    return once(config, TrainingRecord, work, keeps="checkpoints")


def plan_job(config: Mapping[str, Any]) -> str:
    """What that would cost, as lines to print; nothing is trained or written."""
    from reattend.training.plan import plan

    _check_scale(config)
    if "lm" in config:
        expected = "false: the cost of fine-tuning a pretrained model is not estimated"
        raise SettingError("plan", "true", expected, "Leave plan out, and try trainer.max_steps=2.")
    return plan(config)


def _check_scale(config: Mapping[str, Any]) -> None:
    if config["scale"] is None:  # a miniature sets it
        names = ", ".join(name.removesuffix("_small") for name in menu("miniature"))
        expected = f"an experiment that has a small form: one of {names}"
        raise SettingError("scale", "small", expected, "Add experiment=NAME, or leave scale out.")
