"""Every file of conf/ says what it is, composes where it belongs, and becomes what it describes."""

import importlib.util
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from composed import compose
from tiny import CONF, decoder, options

from reattend.attention import build_attention
from reattend.bench import build_suite
from reattend.cache import build_policy
from reattend.data import build_corpus
from reattend.evaluation import tasks
from reattend.menus import menu, opening
from reattend.models import build_model
from reattend.report import parse_spec
from reattend.settings import SettingError, call_by_name, check_types
from reattend.training import loggers, optimizers, schedules
from reattend.training.job import run_job
from reattend.training.trainer_settings import TrainerSettings

ENTRIES = sorted(path.stem for path in CONF.glob("*.yaml"))
FILES = sorted(path.relative_to(CONF) for path in CONF.rglob("*.yaml"))


def groups(entry: str) -> list[str]:
    """The groups that an entry file composes."""
    defaults = yaml.safe_load((CONF / f"{entry}.yaml").read_text(encoding="utf-8"))["defaults"]
    return [group for item in defaults if isinstance(item, dict) for group in item if not group.startswith("override ")]


BELONGS = {group: entry for entry in ENTRIES for group in groups(entry)}


def test_every_option_belongs_to_an_entry_file() -> None:
    assert {path.parent.name for path in FILES if path.parent.name} == BELONGS.keys()
    assert all(len(path.parts) <= 2 for path in FILES)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_every_file_opens_with_what_it_is(path: Path) -> None:
    lines = (CONF / path).read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert len(opening(CONF / path)) > 10
    if path.parent.name:
        assert menu(path.parent.name)[path.stem] == opening(CONF / path)


@pytest.mark.parametrize("path", FILES, ids=str)
def test_values_are_plain(path: Path) -> None:
    entry = not path.parent.name
    for line in (CONF / path).read_text(encoding="utf-8").splitlines():
        assert "${" not in line or (entry and line.strip() == "dir: ${results_dir}/sweeps"), line
        assert "_target_" not in line


def _fits(module: types.ModuleType, config: Mapping[str, Any], *given: str) -> dict[str, Any]:
    """The options that the function of that name takes: for those that need a trained model or a service."""
    values = {key: value for key, value in config.items() if key != "name"}
    return check_types(getattr(module, config["name"]), values, group="x", given=dict.fromkeys(given))


BUILD: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "attention": lambda config: build_attention(config, heads=2, head_width=4),
    "model": lambda config: build_model(
        config, attention=options("attention")["softmax"], vocabulary=256, context=16, seed=0
    ),
    "data": build_corpus,
    "optimizer": lambda config: call_by_name(
        optimizers, config, group="optimizer", parameters=decoder(options("attention")["dagpam"]).named_parameters()
    ),
    "schedule": lambda config: call_by_name(schedules, config, group="schedule", max_steps=10)(0),
    "trainer": TrainerSettings.of,
    "logger": lambda config: _fits(loggers, config, "config", "name"),
    "policy": build_policy,
    "suite": build_suite,
    "table": parse_spec,
    "task": lambda config: _fits(tasks, config, "model", "policy", "seed"),
}
WHOLE = ("launcher", "experiment")  # these change the whole configuration


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in BELONGS for name in menu(group)])
def test_every_option_composes_and_becomes_what_it_describes(group: str, name: str) -> None:
    plain, composed = compose(BELONGS[group]), compose(BELONGS[group], f"{group}={name}")
    if group in WHOLE:
        return
    option, others = composed.pop(group), {key: value for key, value in plain.items() if key != group}
    assert option["name"] == name and composed == others
    if option.get("accelerator") == "gpu" and not torch.cuda.is_available():
        with pytest.raises(SettingError, match="accelerator=gpu: expected a machine with a CUDA GPU"):
            BUILD[group](option)
    elif name == "training_throughput" and importlib.util.find_spec("x_transformers") is None:
        with pytest.raises(SettingError, match="expected x-transformers to be installed"):
            BUILD[group](option)
    else:
        BUILD[group](option)


@pytest.mark.parametrize("name", menu("attention"))
@pytest.mark.parametrize("model", menu("model"))
def test_every_mechanism_fits_every_model(name: str, model: str) -> None:
    config = compose("train", f"attention={name}", f"model={model}")
    built = build_model(config["model"], attention=config["attention"], vocabulary=256, context=16, seed=1)
    assert len(built.blocks) == config["model"]["layers"]


@pytest.mark.parametrize("name", menu("experiment"))
def test_every_experiment_trains(name: str, small: list[str], text: Path) -> None:
    config = compose("train", f"experiment={name}", *small, "trainer.max_steps=2")
    assert config["experiment"] == name
    assert run_job(config).curve[-1]["step"] == 2


@pytest.mark.parametrize("entry", ENTRIES)
def test_entry_files_compose_by_themselves(entry: str) -> None:
    assert set(compose(entry)) >= set(groups(entry)) - {"launcher", "experiment", "table"}
    assert "hydra" not in compose(entry)
