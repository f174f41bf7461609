"""Weights & Biases: one run a job in one folder, offline without a key, and never in the way."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import wandb
from composed import command, compose

from reattend.training import loggers
from reattend.training.job import run_job


@pytest.fixture(autouse=True)
def nobody_is_logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_BASE_URL", "WANDB_DIR", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def inspected(run: Path) -> list[dict[str, Any]]:
    """The records of an offline run, as wandb's own viewer reads them."""
    tool = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", str(run)]
    lines = subprocess.run(tool, capture_output=True, text=True, check=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_each_job_of_a_sweep_is_a_run_of_its_own_in_one_folder(
    small: list[str], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.input", lambda *args: pytest.fail("asked for something"))
    mirrored = [argument for argument in small if argument != "logger=none"]
    folder = tmp_path / "mirror"
    assert command("train", "-m", *mirrored, "logger=wandb", f"logger.folder={folder}", "seed=1,2") == 0
    assert "wandb" not in capfd.readouterr().err
    runs = sorted(folder.glob("wandb/offline-run-*/run-*.wandb"))
    assert len(runs) == 2
    for seed, run in enumerate(runs, start=1):
        records = inspected(run)
        begun = next(record["run"] for record in records if record["type"] == "run")
        assert begun["config"]["update"]["seed"] == seed and begun["config"]["update"]["attention"]["name"] == "softmax"
        assert begun["run_group"] == "default" and begun["job_type"] == "train"
        assert begun["display_name"].startswith(f"default_text_softmax_tiny_seed{seed}_")
        logged = json.dumps([record for record in records if record["type"] == "history"])
        for metric in ("train/bits_per_byte", "train/bytes_per_second", "valid/bits_per_byte", "test/bits_per_byte"):
            assert metric in logged


def test_no_mirror_needs_no_wandb(job: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)  # importing it now fails
    run_job(job())


NETRC = "machine {host} login user password secret"


@pytest.mark.parametrize(
    ("environment", "netrc", "mode"),
    [
        ({}, "", "offline"),
        ({"WANDB_API_KEY": ""}, "", "offline"),
        ({"WANDB_API_KEY": "x"}, "", "online"),
        ({}, NETRC.format(host="api.wandb.ai"), "online"),
        ({}, NETRC.format(host="example.org"), "offline"),
        ({}, "machine", "offline"),  # damaged
        ({"NETRC": "elsewhere"}, NETRC.format(host="api.wandb.ai"), "offline"),
        ({"WANDB_MODE": "online"}, "", "offline"),  # it would ask for a key
        ({"WANDB_MODE": "online", "WANDB_API_KEY": "x"}, "", "online"),
        ({"WANDB_MODE": "offline", "WANDB_API_KEY": "x"}, "", "offline"),
        ({"WANDB_MODE": "disabled", "WANDB_API_KEY": "x"}, "", "disabled"),
        ({"WANDB_MODE": "dryrun", "WANDB_API_KEY": "x"}, "", "offline"),
    ],
)
def test_online_with_a_key_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], netrc: str, mode: str
) -> None:
    (tmp_path / ".netrc").write_text(netrc)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert loggers._mode() == mode


class FakeRun:
    """Stands for a wandb run."""

    def define_metric(self, *arguments: Any, **options: Any) -> None: ...


@pytest.fixture
def opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], list[str]]:
    """A configuration with logger=wandb, and the calls its opening makes; going online fails."""
    calls = []

    def init(*, mode: str, **options: Any) -> FakeRun:
        calls.append(mode)
        if mode == "online":
            raise wandb.errors.CommError("api.wandb.ai cannot be reached.\nDetails")
        return FakeRun()

    monkeypatch.setattr(wandb, "init", init)
    monkeypatch.setattr(wandb, "finish", lambda: calls.append("finish"))
    monkeypatch.setattr("pytorch_lightning.loggers.WandbLogger", lambda experiment: experiment)
    return compose("train", f"logger.folder={tmp_path}"), calls


def test_a_key_that_does_not_work_is_said_and_the_run_kept_offline(
    opening: tuple[dict[str, Any], list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, calls = opening
    monkeypatch.setenv("WANDB_API_KEY", "x" * 40)
    with loggers.opened(config, name="x") as logger:
        assert isinstance(logger, FakeRun)
    assert calls == ["online", "offline", "finish"]
    told = "Weights & Biases: api.wandb.ai cannot be reached. The run is kept offline.\n"
    assert capsys.readouterr().err == told


def test_a_job_that_fails_ends_its_run(opening: tuple[dict[str, Any], list[str]]) -> None:
    config, calls = opening
    with pytest.raises(ZeroDivisionError), loggers.opened(config, name="x"):
        raise ZeroDivisionError
    assert calls == ["offline", "finish"]
