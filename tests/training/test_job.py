"""A job is trained once, by one process, under one name, and leaves its files whole or not at all."""

import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
from composed import load, state
from filelock import FileLock

from reattend import jobs
from reattend.records import read_record
from reattend.settings import SettingError
from reattend.training import fit
from reattend.training.job import run_job

Job = Callable[..., dict[str, Any]]


def refusal(config: dict[str, Any], setting: str) -> str:
    with pytest.raises(SettingError) as refused:
        run_job(config)
    assert refused.value.setting == setting
    return str(refused.value)


def test_a_finished_job_is_trained_again_only_by_force(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = run_job(job("name=once"))
    monkeypatch.setattr(fit, "fit", lambda *args, **kwargs: pytest.fail("trained"))
    capsys.readouterr()
    # another way of showing or writing the same run is no other run
    assert run_job(job("name=once", "trainer.progress=true", "optimizer.learning_rate=0.003")) == record
    assert "once: finished before, see" in capsys.readouterr().out
    with pytest.raises(pytest.fail.Exception, match="trained"):
        run_job(job("name=once", "force=true"))
    told = refusal(job("name=once", "seed=2"), "name")
    assert told.startswith("name=once: expected a name of its own;") and "Give another name=" in told


def test_one_process_trains_a_run_at_a_time(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "results" / "checkpoints" / "shared"
    folder.mkdir(parents=True)
    with FileLock(folder / "lock"):
        told = refusal(job("name=shared"), "name")
    assert "name=shared: expected a run that no other process works on. Wait for it" in told
    assert [path.name for path in folder.iterdir()] == ["lock"]

    held = []  # the lock is held while training and free afterwards, though the exception is still at hand

    def probe(*arguments: Any, **options: Any) -> None:
        held.append(refusal(job("name=shared"), "name"))
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(fit, "fit", probe)
        with pytest.raises(ZeroDivisionError) as failure:
            run_job(job("name=shared"))
    assert held and failure.traceback
    run_job(job("name=shared"))


@pytest.mark.parametrize("place", ["taken", "taken/below"])
def test_results_that_cannot_be_written_are_refused_before_training(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(fit, "fit", lambda *args, **kwargs: pytest.fail("trained"))
    (tmp_path / "taken").write_text("a file")
    told = refusal(job("name=x") | {"results_dir": str(tmp_path / place)}, "results_dir")
    assert str(tmp_path / place) in told and "expected a folder that can be written" in told
    assert (tmp_path / "taken").read_text() == "a file"


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """full_disk(step): from that step on, the system refuses to let a file grow beyond 20 kB; 0 lifts it."""
    plain, soft = pl.Trainer.save_checkpoint, resource.getrlimit(resource.RLIMIT_FSIZE)

    def from_step(step: int) -> None:
        def save(trainer: pl.Trainer, *arguments: Any, **options: Any) -> None:
            if trainer.global_step >= step:
                resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, soft[1]))
            try:
                plain(trainer, *arguments, **options)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, soft)

        monkeypatch.setattr(pl.Trainer, "save_checkpoint", save)

    return from_step


def test_a_checkpoint_that_does_not_fit_leaves_the_old_one(
    job: Job, tmp_path: Path, full_disk: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = job("name=full", "trainer.checkpoint_every=2")
    full_disk(4)
    told = refusal(config, "results_dir")
    assert "expected a folder that can be written (File too large)" in told
    assert "The last checkpoint is whole: run the same command to go on." in told
    folder = tmp_path / "results" / "checkpoints" / "full"
    assert load(folder / "last.ckpt")["global_step"] == 3  # a validation
    assert sorted(path.name for path in folder.iterdir()) == ["best.ckpt", "last.ckpt", "lock"]
    assert not (tmp_path / "results" / "runs").exists()
    monkeypatch.undo()
    assert run_job(config).curve[-1]["step"] == 6


def test_a_checkpoint_half_written_never_takes_the_place_of_the_old_one(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = pl.Trainer.save_checkpoint

    def half(trainer: pl.Trainer, path: Path, **options: Any) -> None:
        plain(trainer, path, **options)
        if trainer.global_step > 3:
            os.truncate(path, 5000)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pl.Trainer, "save_checkpoint", half)
    told = refusal(job("name=half"), "results_dir")
    assert "(the disk is full)" in told
    folder = tmp_path / "results" / "checkpoints" / "half"
    assert load(folder / "last.ckpt")["global_step"] == load(folder / "best.ckpt")["global_step"] == 3
    assert not list(folder.glob("*.part"))


def test_a_record_that_cannot_be_written_is_made_up_for_without_training(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    config = job("name=late")
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "write_record", full)
        assert "No space left on device" in refusal(config, "results_dir")
    last = tmp_path / "results" / "checkpoints" / "late" / "last.ckpt"
    before = state(last)
    record = run_job(config)
    assert state(last) == before and len(record.curve) == 2
    assert read_record(tmp_path / "results" / "runs" / "late.json") == record
