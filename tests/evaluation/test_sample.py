"""Sampling continues a prompt as whole passes would, whatever the model and policy; a bad value is one message."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from composed import SMALL, checkpoint, command, compose
from evaluated import composed
from tiny import mechanism, options

from reattend.cache import PolicyCache
from reattend.evaluation import run_task
from reattend.models import load_pretrained
from reattend.models.checkpoint import load_decoder
from reattend.settings import SettingError
from reattend.training.job import run_job

OURS = ["task=sample", "lm=checkpoint", "lm.device_map=cpu", "task.prompt=abc", "task.length=12"]


@pytest.fixture(scope="module")
def trained(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    overrides = [*SMALL, f"data.path={text}", f"results_dir={folder}", "name=run", "attention=dagpam"]
    run_job(compose("train", *overrides, "model.dropout=0.1"))
    return folder / "checkpoints" / "run" / "best.ckpt"


@pytest.fixture
def sample(trained: Path) -> Callable[..., str]:
    """sample("seed=2", ...) -> the text that task=sample writes."""
    return lambda *changes: run_task(composed([*OURS, f"lm.path={trained}", *changes]))


def written(path: Path, length: int) -> str:
    """`abc` and the likeliest bytes after it, each from a pass over all before it."""
    tokens = list(b"abc")
    model = load_decoder(path, setting="lm.path")
    with torch.no_grad():
        for _ in range(length):
            tokens.append(int(model(torch.tensor([tokens]))[0, -1].argmax()))
    return bytes(tokens).decode(errors="replace")


def test_continues_the_prompt_as_whole_passes_would(sample: Callable[..., str], trained: Path) -> None:
    assert sample("task.temperature=0") == written(trained, 12)


@pytest.mark.parametrize("name", options("attention"))
@pytest.mark.parametrize("length", [1, 8])
def test_does_so_with_every_mechanism(name: str, length: int, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "best.ckpt", attention=name)
    changes = [f"lm.path={path}", "task.temperature=0", f"task.length={length}"]
    if mechanism(options("attention")[name]).mixture() is None:  # nothing to rank by
        changes.append("policy=window")
    assert run_task(composed([*OURS, *changes])) == written(path, length)


@pytest.mark.parametrize("options", [{"policy": "full"}, {"policy": "tova", "size": 5}])
def test_a_pretrained_model_writes_what_generate_does(options: dict[str, str], model: Path, given: list[str]) -> None:
    policy = [f"policy={options['policy']}", *(f"policy.{k}={v}" for k, v in options.items() if k != "policy")]
    lm = [word for word in given if word.startswith("lm")]
    what = ["task=sample", "task.prompt=The quick brown fox", "task.length=20", "task.temperature=0"]
    loaded, tokenizer = load_pretrained(model)
    prompt = tokenizer("The quick brown fox", add_special_tokens=False, return_tensors="pt").input_ids
    loaded.generation_config.eos_token_id = None
    wanted = loaded.generate(prompt, past_key_values=PolicyCache(loaded, **options), max_new_tokens=20, do_sample=False)
    assert run_task(composed([*lm, *what, *policy])) == tokenizer.decode(wanted[0])


def test_repeats_with_its_seed_and_sharpens_with_temperature(sample: Callable[..., str]) -> None:
    assert sample("seed=1") == sample("seed=1") != sample("seed=2")
    assert sample("seed=1").startswith("abc")
    assert sample("task.length=0") == "abc"
    cold = "task.temperature=0.000001"
    assert sample("seed=1", cold) == sample("seed=2", cold) == sample("task.temperature=0")


def test_the_script_prints_the_text(
    sample: Callable[..., str], trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("evaluate", *OURS, f"lm.path={trained}") == 0
    assert capsys.readouterr().out == sample() + "\n"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["lm.path=gone.ckpt"], "lm.path=gone.ckpt: expected an existing checkpoint file. Set lm.path to"),
        (["task.length=-1"], "task.length=-1: expected at least 0"),
        (["task.temperature=-0.5"], "task.temperature=-0.5: expected at least 0"),
        (["task.temperature=hot"], "task.temperature=hot: expected a finite number"),
        (["task.prompt=''"], 'task.prompt="": expected at least one character'),
        (["policy=tova", "policy.size=0"], "policy.size=0: expected at least 1"),
        (["seed=abc"], "seed=abc: expected a whole number"),
        (["seed=-1"], "seed=-1: expected a number from 0"),
    ],
)
def test_bad_values_are_one_message(sample: Callable[..., str], changes: list[str], message: str) -> None:
    with pytest.raises(SettingError) as refused:
        sample(*changes)
    assert str(refused.value).startswith(message)


def test_a_damaged_checkpoint_is_one_message(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = tmp_path / "damaged.ckpt"
    damaged.write_bytes(trained.read_bytes()[:-100])
    assert command("evaluate", *OURS, f"lm.path={damaged}") == 1
    told = capsys.readouterr()
    assert f"lm.path={damaged}: expected a whole checkpoint; this one is cut short or damaged" in told.err
    assert "Set lm.path to another checkpoint." in told.err and "Traceback" not in told.err and told.out == ""


@pytest.mark.parametrize("lm", ["checkpoint", "pretrained"])
def test_a_model_must_be_named(lm: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("evaluate", "task=sample", f"lm={lm}") == 1
    told = capsys.readouterr().err
    assert "lm.path=???: expected a value. Add lm.path=..." in told and "Traceback" not in told
