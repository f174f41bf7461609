"""Every file of conf/ says what it is, composes where it belongs, and becomes what it describes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from composed import compose
from tiny import CONF, decoder, options
from torch import nn

from reattend.attention import build_attention
from reattend.cache import build_policy
from reattend.data import build_corpus
from reattend.evaluation import tasks
from reattend.menus import menu, opening
from reattend.models import build_model
from reattend.report import parse_spec
from reattend.settings import SettingError, call_by_name
from reattend.training import loggers, optimizers, schedules
from reattend.training.fit import TrainerSettings, _settings
from reattend.training.job import run_job

ENTRIES = sorted(path.stem for path in CONF.glob("*.yaml"))
FILES = sorted(path.relative_to(CONF) for path in CONF.rglob("*.yaml"))
OPTIONS = [path for path in FILES if len(path.parts) == 2 and not (CONF / path.parent.name).with_suffix(".yaml").exists()]


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


def _build_model(config: Mapping[str, Any]) -> nn.Module:
    return build_model(config, attention=options("attention")["softmax"], vocabulary=256, context=16, seed=0)


def _build_logger(config: Mapping[str, Any]) -> Any:
    return call_by_name(loggers, config, group="logger", config={}, name="x") if config["name"] != "wandb" else config


BUILD: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "attention": lambda config: build_attention(config, heads=2, head_width=4),
    "model": _build_model,
    "data": build_corpus,
    "optimizer": lambda config: call_by_name(
        optimizers, config, group="optimizer", parameters=decoder(options("attention")["dagpam"]).named_parameters()
    ),
    "schedule": lambda config: call_by_name(schedules, config, group="schedule", max_steps=10)(0),
    "trainer": _settings,
    "logger": _build_logger,
    "policy": build_policy,
    "table": parse_spec,
    "task": lambda config: getattr(tasks, config["name"]),
}
WHOLE = ("launcher", "experiment")  # these change the whole configuration


@pytest.mark.parametrize("group", sorted(BELONGS))
def test_every_option_composes_and_becomes_what_it_describes(group: str) -> None:
    plain = {} if group in WHOLE else compose(BELONGS[group])
    for name in menu(group):
        composed = compose(BELONGS[group], f"{group}={name}")
        if group in WHOLE:
            continue
        assert composed[group]["name"] == name
        assert {key: value for key, value in composed.items() if key != group} == {
            key: value for key, value in plain.items() if key != group
        }
        if composed[group].get("accelerator") == "gpu" and not torch.cuda.is_available():
            with pytest.raises(SettingError, match="trainer.accelerator=gpu: expected a machine with a CUDA GPU"):
                BUILD[group](composed[group])
        else:
            assert BUILD[group](composed[group]) is not None or name == "none"


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


def test_trainer_settings_name_every_value_of_their_files() -> None:
    for name in ("auto", "cpu"):
        assert isinstance(_settings(options("trainer")[name]), TrainerSettings)
