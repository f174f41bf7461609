"""Tasks on the checkpoint of a run: sampling continues a prompt, and a bad file or value is one message."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from composed import SMALL, command, compose

from reattend.evaluation import run_task
from reattend.models.checkpoint import load_decoder
from reattend.settings import SettingError
from reattend.training.job import run_job


@pytest.fixture(scope="module")
def checkpoint(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    overrides = [*SMALL, f"data.path={text}", f"results_dir={folder}", "name=run", "attention=dagpam"]
    run_job(compose("train", *overrides, "model.dropout=0.1"))
    return folder / "checkpoints" / "run" / "best.ckpt"


@pytest.fixture
def sample(checkpoint: Path) -> Callable[..., str]:
    """sample("seed=2", ...) -> the text that task=sample writes."""
    fixed = ["task=sample", f"checkpoint={checkpoint}", "task.prompt=abc", "task.length=30"]
    return lambda *changes: run_task(compose("evaluate", *fixed, *changes))


def test_continues_the_prompt_as_whole_passes_would(sample: Callable[..., str], checkpoint: Path) -> None:
    written = list(b"abc")
    model = load_decoder(checkpoint, setting="checkpoint")
    with torch.no_grad():
        for _ in range(30):
            written.append(int(model(torch.tensor([written]))[0, -1].argmax()))
    assert sample("task.temperature=0") == bytes(written).decode(errors="replace")


def test_repeats_with_its_seed(sample: Callable[..., str]) -> None:
    assert sample("seed=1") == sample("seed=1") != sample("seed=2")
    assert sample("seed=1").startswith("abc")
    assert sample("task.length=0") == "abc"


def test_the_script_prints_the_text(
    sample: Callable[..., str], checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [f"checkpoint={checkpoint}", "task.prompt=abc", "task.length=30"]
    assert command("evaluate", *arguments) == 0
    assert capsys.readouterr().out == sample() + "\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["checkpoint=gone.ckpt"], "checkpoint=gone.ckpt: expected an existing checkpoint file. Set checkpoint to"),
        (["task.length=-1"], "task.length=-1: expected at least 0"),
        (["task.temperature=-0.5"], "task.temperature=-0.5: expected at least 0"),
        (["task.temperature=hot"], "task.temperature=hot: expected a finite number"),
        (["task.prompt=''"], 'task.prompt="": expected at least one character'),
        (["seed=abc"], "seed=abc: expected a whole number"),
        (["seed=-1"], "seed=-1: expected a number from 0"),
    ],
)
def test_bad_values_are_one_message(sample: Callable[..., str], changes: list[str], message: str) -> None:
    with pytest.raises(SettingError) as refused:
        sample(*changes)
    assert str(refused.value).startswith(message)


def test_a_damaged_checkpoint_is_one_message(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.ckpt"
    damaged.write_bytes(checkpoint.read_bytes()[:-100])
    assert command("evaluate", f"checkpoint={damaged}") == 1
    told = capsys.readouterr()
    assert f"checkpoint={damaged}: expected a whole checkpoint; this one is cut short or damaged" in told.err
    assert "Set checkpoint to another checkpoint." in told.err and "Traceback" not in told.err and told.out == ""


def test_a_checkpoint_must_be_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("evaluate") == 1
    told = capsys.readouterr().err
    assert "checkpoint=???: expected a value. Add checkpoint=..." in told and "Traceback" not in told
