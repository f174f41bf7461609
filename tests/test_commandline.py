"""Every command from outside: bad input is one message, help and completion are quick, sweeps say all that failed."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from composed import SCRIPTS, SMALL, checkpoint, command
from tiny import options

from reattend.menus import CONF, menu
from reattend.records import read_records
from reattend.training import job as jobs

Told = Callable[..., str]
SCRIPT_NAMES = sorted(path.stem for path in SCRIPTS.glob("*.py"))


@pytest.fixture
def refused(small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    """refused("seed=x", ...) -> what train.py says when it ends with an error, having recorded nothing."""

    def run(*changes: str) -> str:
        groups = [change.partition("=")[0] for change in changes]
        plain = [argument for argument in small if argument.partition("=")[0] not in groups]
        multirun = ["-m"] if "-m" in changes else []
        assert command("train", *multirun, *plain, *(change for change in changes if change != "-m")) == 1
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        assert "record" not in told.out and not (tmp_path / "results" / "runs").exists()
        assert not list(tmp_path.rglob("*.ckpt*"))
        return told.err

    return run


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("attention=softmix", "attention=softmix: expected one of added, attn_scale, "),
        ("attention=softmax,softmix", "attention=softmix: expected one of added, attn_scale, "),
        ("experiment=none_such", "experiment=none_such: expected one of enwik8, "),
        ("logger=paper", "logger=paper: expected one of none, wandb. Set logger to one of them."),
        ("attention.lambda=1", "Could not override 'attention.lambda'"),
        ("trainer.steps=1", "Key 'steps' is not in struct"),
        ("+attention.lambda=1", "attention.lambda=1: expected a known option (dropout). Remove attention.lambda."),
        ("+trainer.steps=1", "trainer.steps=1: expected a known option (max_steps, "),
        ("~trainer.max_steps", "trainer.max_steps=???: expected a value. Add trainer.max_steps=..."),
        ("steps", "Error parsing override 'steps'"),
        (
            "attention.dropout=abc",
            "attention.dropout=abc: expected a finite number. Give attention.dropout such a value.",
        ),
        ("attention.dropout=1.5", "attention.dropout=1.5: expected a number from 0.0 to below 1.0. Set"),
        ("model.width=-32", "model.width=-32: expected at least 1. Raise model.width to 1 or more."),
        ("model.layers=0", "model.layers=0: expected at least 1"),
        ("model.heads=2.5", "model.heads=2.5: expected a whole number"),
        ("model.width=33", "model.width=33: expected a multiple of model.heads=2. Change one of the two."),
        ("model.norm=both", "model.norm=both: expected one of pre, post"),
        ("data.context=-16", "data.context=-16: expected at least 1"),
        ("data.context=70", "data.context=70: expected at most 69, the length of the valid split (70 bytes) less one."),
        ("data.batch_size=0", "data.batch_size=0: expected at least 1"),
        ("data.batch_size=79", "data.batch_size=79: expected at most 77, the blocks of 16 tokens in a train split of"),
        ("trainer.accumulate=20", "at most 77, the blocks of 16 tokens in a train split of 1260, when multiplied by"),
        ("data.valid_limit=3", "data.valid_limit=3: expected at least data.context (16)"),
        ("data.path=null", "data.path=null: expected the path of a local file. Add data.path=FILE."),
        ("data.path=gone.txt", "data.path=gone.txt: expected an existing file. Correct data.path."),
        ("trainer.max_steps=-5", "trainer.max_steps=-5: expected at least 1"),
        ("trainer.max_steps=null", "trainer.max_steps=None: expected a whole number"),
        ("trainer.threads=0", "trainer.threads=0: expected at least 1"),
        ("trainer.precision=float8", "trainer.precision=float8: expected one of auto, float32, bfloat16"),
        ("trainer.gradient_clip=-1", "trainer.gradient_clip=-1.0: expected at least 0"),
        ("optimizer.learning_rate=-1", "optimizer.learning_rate=-1.0: expected at least 0"),
        ("schedule.warmup_steps=-1", "schedule.warmup_steps=-1: expected at least 0"),
        ("seed=-1", "seed=-1: expected a number from 0 to below 4294967296. Set seed within that range."),
        ("seed=abc", "seed=abc: expected a whole number"),
        ("force=maybe", "force=maybe: expected true or false"),
        ("resume=gone.ckpt", "resume=gone.ckpt: expected an existing checkpoint file. Set resume to another"),
        ("name=a/b", "name=a/b: expected letters, digits and"),
        ("results_dir=/proc/results", "results_dir=/proc/results/checkpoints/"),
    ],
)
def test_bad_input_is_one_message(refused: Told, change: str, message: str) -> None:
    assert message in refused(change)


def test_an_option_of_the_mechanism_is_spelled_as_typed(refused: Told) -> None:
    told = refused("attention=dagpam", "attention.lambda_init=abc")
    assert "attention.lambda_init=abc: expected a finite number. Give attention.lambda_init such a value." in told


def test_an_empty_corpus_is_refused(refused: Told, tmp_path: Path) -> None:
    (empty := tmp_path / "empty.txt").touch()
    assert f"data.path={empty}: expected a file that is not empty. Choose another file." in refused(
        f"data.path={empty}"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_is_needed_for_the_gpu_trainer(refused: Told) -> None:
    assert "trainer.accelerator=gpu: expected a machine with a CUDA GPU. Set trainer=cpu." in refused("trainer=gpu")


def test_a_sweep_names_each_job_that_fails_and_goes_on(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("train", "-m", *small, "model.width=33,32,35") == 1
    told = capsys.readouterr()
    for width in (33, 35):
        assert f"model.width={width}: expected a multiple of model.heads=2" in told.err
    assert len(read_records(tmp_path / "results" / "runs")) == 1 and "Traceback" not in told.err


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "/some/file"), "/some/file: Permission denied. Check that it exists"),
        (OSError("no name"), "no name. Check that it exists"),
    ],
)
def test_other_trouble_with_files_is_one_message(
    refused: Told, monkeypatch: pytest.MonkeyPatch, error: OSError, message: str
) -> None:
    def fail(config: object) -> None:
        raise error

    monkeypatch.setattr(jobs, "run_job", fail)
    assert message in refused()


def test_ctrl_c_outside_training_is_one_word(
    small: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(config: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(jobs, "run_job", stop)
    assert command("train", "-m", *small, "seed=1,2") == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_a_sweep_in_two_processes(text: Path, tmp_path: Path) -> None:
    sweep = ["launcher=parallel", *SMALL, f"data.path={text}", f"results_dir={tmp_path}", "model.width=32,33"]
    told = subprocess.run([sys.executable, SCRIPTS / "train.py", "-m", *sweep], capture_output=True, text=True)
    assert told.returncode == 1 and "Traceback" not in told.stderr
    assert "model.width=33: expected a multiple of model.heads=2" in told.stderr
    assert [record.config["model"]["width"] for record in read_records(tmp_path / "runs")] == [32]


QUICK = """
import contextlib, io, os, runpy, sys
said = []
def run(path, *arguments):
    sys.argv = [path, *arguments]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try: runpy.run_path(path, run_name="__main__")
        except SystemExit as end: assert not end.code, end.code
    heavy = {"torch", "pytorch_lightning", "wandb", "numpy", "matplotlib"} & sys.modules.keys()
    assert not heavy, (path, arguments, heavy)
    assert out.getvalue(), (path, arguments)
    return out.getvalue()
"""


FINISHED = "path, *arguments = sys.argv[1:]\nassert 'finished before' in run(path, *arguments)"


def quick(code: str, *arguments: str) -> None:
    """Run code in a process of its own, in which `run` refuses whatever imports a heavy package."""
    told = subprocess.run([sys.executable, "-c", QUICK + code, *arguments], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr


def test_help_composition_and_completion_load_nothing_heavy() -> None:
    quick(
        """
for path in sys.argv[1:]:
    assert "--cfg job" in run(path, "--help") and "conf/" in run(path, "-h")
    run(path, "--cfg", "job")
    os.environ["COMP_LINE"], os.environ["COMP_POINT"] = "train.py attention=soft", "23"
    run(path, "-sc", "install=bash")
completed = run(path, "-sc", "query=bash")
options = ["softmax", "softmax1", "softmax_linear", "softpick"]
assert completed.split() == [f"attention={name}" for name in options], completed
""",
        *(str(SCRIPTS / f"{name}.py") for name in SCRIPT_NAMES),
    )


@pytest.mark.parametrize("flags", [["--config-dir"], ["-cd"], ["hydra.searchpath=[file://{}]"]])
def test_options_of_a_folder_of_ones_own(flags: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("evaluate", "policy=mine", "--cfg", "job") == 1
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy/mine.yaml").write_text("name: window\nsize: 8\nprefill: exact\n")
    folder = [str(tmp_path)] * flags[0].startswith("-")
    assert command("evaluate", flags[0].format(tmp_path), *folder, "policy=mine", "--cfg", "job") == 0
    assert "policy:\n  name: window\n  size: 8\n" in capsys.readouterr().out


def test_finished_jobs_are_passed_over_without_loading_torch(small: list[str]) -> None:
    assert command("train", *small) == 0
    quick(FINISHED, str(SCRIPTS / "train.py"), *small)


def test_finished_evaluations_are_shown_again_without_loading_torch(text: Path, tmp_path: Path) -> None:
    lm = ["lm=checkpoint", f"lm.path={checkpoint(tmp_path / 'best.ckpt', context=64)}", "lm.device_map=cpu"]
    policy = ["policy=window", "policy.size=8", "task.context=64", "max_tokens=100", "progress=false"]
    arguments = [*lm, *policy, f"data.path={text}", f"results_dir={tmp_path}"]
    assert command("evaluate", *arguments) == 0
    quick(FINISHED, str(SCRIPTS / "evaluate.py"), *arguments)


@pytest.mark.parametrize("script", SCRIPT_NAMES)
def test_help_says_what_every_option_is(script: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(script, "--help") == 0
    told = capsys.readouterr().out
    assert f"python scripts/{script}.py" in told
    defaults = (CONF / f"{script}.yaml").read_text(encoding="utf-8")
    for group in ("attention", "model", "data", "lm", "policy", "task", "table"):
        if f"- {group}: " in defaults:
            for name, what in menu(group).items():
                assert f"  {name:<20} {what}\n" in told


def test_the_menu_is_every_file() -> None:
    assert menu("attention").keys() == options("attention").keys()
