"""Evaluations in this process, quickly: as the script runs them, but for the seconds that Hydra takes."""

from functools import reduce
from pathlib import Path
from typing import Any

import yaml
from composed import compose
from tiny import CONF

from reattend.evaluation import run_task
from reattend.records import EvaluationRecord, read_record, run_name


def replaced(given: list[str], *changes: str) -> list[str]:
    """The arguments of a command, some of them changed; with another model its options go."""
    keys = {change.partition("=")[0] for change in changes}
    kept = [word for word in given if word.partition("=")[0] not in keys]
    return [*(word for word in kept if "lm" not in keys or not word.startswith("lm.")), *changes]


def composed(arguments: list[str]) -> dict[str, Any]:
    """The configuration. Hydra composes each choice of groups once; plain values are put in here."""
    pairs = [argument.partition("=") for argument in arguments]
    config = compose("evaluate", *(f"{key}={value}" for key, _, value in pairs if (CONF / key).is_dir()))
    for key, _, value in pairs:
        if not (CONF / key).is_dir():
            *groups, last = key.split(".")
            inner = reduce(dict.__getitem__, groups, config)
            assert last in inner, f"no setting {key}"
            inner[last] = yaml.safe_load(value)
    return config


def run(arguments: list[str]) -> EvaluationRecord:
    """The record of such a command."""
    config = composed(arguments)
    run_task(config)
    record = read_record(Path(config["results_dir"]) / "runs" / f"{run_name(config)}.json")
    assert isinstance(record, EvaluationRecord)
    return record
