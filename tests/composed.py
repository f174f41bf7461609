"""Configurations composed as a script would, scripts run in this process, runs compared, checkpoints made up."""

import copy
import dataclasses
import runpy
from functools import cache
from pathlib import Path
from typing import Any

import hydra
import pytest
import torch
from omegaconf import OmegaConf
from tiny import CONF, decoder, options, shake

from reattend.models.checkpoint import FORMAT
from reattend.records import Record

SCRIPTS = CONF.parent / "scripts"
SMALL = (
    "data=text",
    "data.context=16",
    "data.batch_size=4",
    "model=tiny",
    "logger=none",
    "trainer=cpu",
    "trainer.threads=1",
    "trainer.progress=false",
    "trainer.max_steps=6",
    "trainer.validations=2",
    "schedule.warmup_steps=2",
)
NEVER_THE_SAME = ("timing", "memory", "git")


def compose(script: str, *overrides: str) -> dict[str, Any]:
    """The configuration that `python scripts/<script>.py <overrides>` hands to its main."""
    return copy.deepcopy(_composed(script, overrides))


@cache
def _composed(script: str, overrides: tuple[str, ...]) -> dict[str, Any]:
    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return dict(OmegaConf.to_container(hydra.compose(script, overrides=list(overrides)), resolve=True))


def command(script: str, *arguments: str) -> int:
    """Run a script's main with these arguments; its exit code."""
    path = str(SCRIPTS / f"{script}.py")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", [path, *arguments])
        try:
            runpy.run_path(path, run_name="__main__")
        except SystemExit as end:
            return int(end.code or 0)
    return 0


def result(record: Record) -> dict[str, Any]:
    """What two runs of one configuration have in common, wherever they write."""
    values = {key: value for key, value in dataclasses.asdict(record).items() if key not in NEVER_THE_SAME}
    values["config"] = {key: value for key, value in record.config.items() if key not in ("results_dir", "resume")}
    return values


def load(path: Path) -> dict[str, Any]:
    return dict(torch.load(path, weights_only=True))


def checkpoint(path: Path, *, attention: str = "softmax", context: int = 32) -> Path:
    """A decoder of bytes as training saves it, of random weights and 8 numbers wide."""
    mechanism = options("attention")[attention]
    sizes = {"architecture": "decoder", "name": "test", "width": 8, "layers": 2, "heads": 2}
    model = decoder(mechanism, vocabulary=256, context=context)
    shake(model)
    config = {"attention": mechanism, "model": sizes, "data": {"context": context}, "seed": 3}
    weights = {f"model.{key}": value for key, value in model.state_dict().items()}
    torch.save({"reattend": {"format": FORMAT, "config": config}, "state_dict": weights}, path)
    return path


def state(path: Path) -> Any:
    """A checkpoint without seconds, folders and Lightning's counters, tensors as bytes: equal if equal to the bit."""
    checkpoint = load(path)
    checkpoint["loops"] = checkpoint["loops"]["fit_loop"]["state_dict"]  # the place in the data
    history = checkpoint["callbacks"]["History"]
    del checkpoint["reattend"], history["train_seconds"], history["curve_seconds"]
    return _bytes(checkpoint)


def _bytes(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return tuple(value.shape), value.numpy().tobytes()
    if isinstance(value, dict):
        return {key: _bytes(inner) for key, inner in value.items()}
    return [_bytes(inner) for inner in value] if isinstance(value, list | tuple) else value
