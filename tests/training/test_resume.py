"""A run that was cut, killed or stopped anywhere and goes on ends as one that was not: equal to the bit."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from composed import SCRIPTS, SMALL, command, compose, load, result, state
from moments import at_batch

from reattend.records import Record, read_record
from reattend.settings import SettingError
from reattend.training.checkpoints import Checkpoints
from reattend.training.job import run_job

pytestmark = pytest.mark.xdist_group("resume")

STEPS = 14
# 9 steps an epoch; validations after 4, 7, 10 and 14 steps; the gradients of two batches make a step
CUT = [
    "name=cut",
    "attention=dagpam",
    "attention.dropout=0.1",
    "model.dropout=0.1",
    "trainer.accumulate=2",
    f"trainer.max_steps={STEPS}",
    "trainer.validations=4",
    "trainer.log_every=3",
    "trainer.checkpoint_every=1",
    "optimizer.learning_rate=0.5",  # rises far too high, so that the last weights are not the best
    "schedule=constant",
    "schedule.warmup_steps=40",
]


class Whole(NamedTuple):
    """An uninterrupted run, and copies of its folder as it was after each step."""

    overrides: list[str]
    results: Path
    record: Record
    after: Path


@pytest.fixture(scope="module")
def whole(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    folder = tmp_path_factory.mktemp("whole")
    overrides = [*SMALL, f"data.path={text}", *CUT]
    save = Checkpoints.save

    def save_and_copy(self: Checkpoints, trainer: Any, path: Path) -> None:
        save(self, trainer, path)
        if path.name == "last.ckpt":
            shutil.copytree(self.folder, folder / "after" / str(trainer.global_step))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", save_and_copy)
        record = run_job(compose("train", *overrides, f"results_dir={folder / 'results'}"))
    validated = [row["valid_bits"] for row in record.curve]
    assert min(validated) < validated[-1]  # or losing the best would not show
    yield Whole(overrides, folder / "results", record, folder / "after")


def same_end(one: Path, other: Path, name: str) -> None:
    for file in ("last.ckpt", "best.ckpt"):
        assert state(one / "checkpoints" / name / file) == state(other / "checkpoints" / name / file)


@pytest.mark.parametrize("step", [1, 4, 5, 8, 9, 10, 13, STEPS])  # around validations and the end of the epoch
def test_cut_between_steps(whole: Whole, step: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(whole.after / str(step), tmp_path / "checkpoints" / "cut")
    record = run_job(compose("train", *whole.overrides, f"results_dir={tmp_path}"))
    assert "going on from" in capsys.readouterr().out
    assert result(record) == result(whole.record)
    assert len(record.timing["curve_seconds"]) == 4
    same_end(tmp_path, whole.results, "cut")


def test_goes_on_in_another_folder_and_takes_the_best_checkpoint_along(whole: Whole, tmp_path: Path) -> None:
    path = whole.after / "13" / "last.ckpt"
    record = run_job(compose("train", *whole.overrides, f"results_dir={tmp_path}", f"resume={path}"))
    assert result(record) == result(whole.record)
    same_end(tmp_path, whole.results, "cut")


def test_kill_at_a_random_moment(text: Path, tmp_path: Path) -> None:
    arguments = [*SMALL, f"data.path={text}", "name=killed", "model.dropout=0.1"]
    arguments += ["trainer.max_steps=300", "trainer.checkpoint_every=7"]
    once, killed = (f"results_dir={tmp_path / folder}" for folder in ("once", "killed"))
    last = tmp_path / "killed" / "checkpoints" / "killed" / "last.ckpt"
    process = subprocess.Popen([sys.executable, SCRIPTS / "train.py", *arguments, killed])
    while not last.exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(random.uniform(0, 0.3))
    process.kill()
    assert process.wait() == -signal.SIGKILL
    step = load(last)["global_step"]
    print(f"killed with a checkpoint of step {step}")
    assert 0 < step < 300 and not (tmp_path / "killed" / "runs").exists()

    assert command("train", *arguments, once) == command("train", *arguments, killed) == 0
    records = [read_record(tmp_path / folder / "runs" / "killed.json") for folder in ("once", "killed")]
    assert result(records[0]) == result(records[1])
    same_end(tmp_path / "once", tmp_path / "killed", "killed")


@pytest.fixture(autouse=True)
def _in_the_foreground() -> Iterator[None]:
    """A shell starts what it puts in the background with Ctrl-C ignored; these tests are about one that is not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def _signal(*numbers: int) -> Callable[[Any, Any], Any]:
    def send(model: Any, loss: Any) -> Any:
        for number in numbers:
            signal.raise_signal(number)
            time.sleep(0.05)  # Python's own handler runs between two instructions: two signals at once are one
        return loss

    return send


def test_ctrl_c_stops_the_sweep_and_the_same_command_goes_on(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = ["-m", *small, "model.dropout=0.1", "seed=1,2"]
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with monkeypatch.context() as patch:
        at_batch(patch, 4, _signal(signal.SIGINT))
        assert command("train", *sweep) == 130
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    (folder,) = (tmp_path / "results" / "checkpoints").iterdir()  # the second job did not begin
    assert "seed1" in folder.name
    last = folder / "last.ckpt"
    told = capsys.readouterr().err
    assert f"Stopped by SIGINT after step 4; {last} is whole: run the same command to go on." in told
    assert "Traceback" not in told
    assert load(last)["global_step"] == 4 and not (tmp_path / "results" / "runs").exists()

    assert command("train", *sweep) == 0
    assert f"going on from {last}" in capsys.readouterr().out
    alone = [argument for argument in sweep[1:-1] if not argument.startswith("results_dir")]
    assert command("train", *alone, "seed=1", f"results_dir={tmp_path / 'alone'}") == 0
    stopped, whole = (read_record(tmp_path / where / "runs" / f"{folder.name}.json") for where in ("results", "alone"))
    assert result(stopped) == result(whole)
    assert len(list((tmp_path / "results" / "runs").iterdir())) == 2
    same_end(tmp_path / "results", tmp_path / "alone", folder.name)


def test_stopped_by_the_system_during_a_forced_run(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_batch(monkeypatch, 3, _signal(signal.SIGTERM))
    assert command("train", *small, "force=true", "name=again") == 143
    last = tmp_path / "results" / "checkpoints" / "again" / "last.ckpt"
    # force=true alone would start anew
    assert (
        f"after step 3; {last} is whole: run the same command with resume={last} to go on." in capsys.readouterr().err
    )
    assert command("train", *small, "force=true", "name=again", f"resume={last}") == 0
    assert f"going on from {last}" in capsys.readouterr().out


def test_a_second_ctrl_c_stops_at_once(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    at_batch(monkeypatch, 5, _signal(signal.SIGINT, signal.SIGINT))
    assert command("train", *small, "name=twice", "trainer.checkpoint_every=2") != 0
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert load(tmp_path / "results" / "checkpoints" / "twice" / "last.ckpt")["global_step"] == 4
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("how", ["resume=never", "force=true"])
def test_starts_anew_when_asked_to(whole: Whole, how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(whole.after / "5", tmp_path / "checkpoints" / "cut")
    record = run_job(compose("train", *whole.overrides, f"results_dir={tmp_path}", how))
    assert "going on" not in capsys.readouterr().out
    assert record.curve == whole.record.curve


def refusal(config: dict[str, Any]) -> str:
    with pytest.raises(SettingError) as refused:
        run_job(config)
    assert refused.value.setting == "resume"
    return str(refused.value)


def test_refuses_the_checkpoint_of_another_configuration(whole: Whole, tmp_path: Path) -> None:
    path = whole.after / "5" / "last.ckpt"
    overrides = [*whole.overrides, f"results_dir={tmp_path}", f"resume={path}", "name=other"]
    changes = ["model.width=64", "~attention.bias", "trainer.max_steps=15", "trainer.progress=true"]
    told = refusal(compose("train", *overrides, *changes))
    assert f"resume={path}: expected a checkpoint of the same config, but attention.bias: True -> None, " in told
    assert "model.width: 32 -> 64, trainer.max_steps: 14 -> 15. Give the same options" in told
    assert not (tmp_path / "runs").exists()


def test_refuses_to_go_on_with_changed_data(whole: Whole, text: Path, tmp_path: Path) -> None:
    shutil.copytree(whole.after / "5", tmp_path / "checkpoints" / "cut")
    content = text.read_text()
    try:
        text.write_text(content[:-1] + "Z")  # the last byte belongs to the test split
        told = refusal(compose("train", *whole.overrides, f"results_dir={tmp_path}"))
    finally:
        text.write_text(content)
    assert "expected a checkpoint of the same data, but sha256: " in told
    assert "splits.test.sha256" in told and "splits.train" not in told
    assert "Restore the data, or set resume=never to start anew." in told


def test_refuses_to_go_on_without_the_best_checkpoint(whole: Whole, tmp_path: Path) -> None:
    shutil.copytree(whole.after / "5", tmp_path / "checkpoints" / "cut")
    (tmp_path / "checkpoints" / "cut" / "best.ckpt").unlink()
    assert "best.ckpt of its run beside it" in refusal(compose("train", *whole.overrides, f"results_dir={tmp_path}"))


def test_refuses_a_checkpoint_that_was_cut_short(whole: Whole, tmp_path: Path) -> None:
    shutil.copytree(whole.after / "5", tmp_path / "checkpoints" / "cut")
    last = tmp_path / "checkpoints" / "cut" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:5000])
    told = refusal(compose("train", *whole.overrides, f"results_dir={tmp_path}"))
    assert f"resume={last}: expected a whole checkpoint; this one is cut short or damaged" in told
    assert "resume to another checkpoint, or to never" in told
