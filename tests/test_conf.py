"""Every file of conf/ says what it is, composes where it belongs, and becomes what it describes."""

import importlib.util
import types
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from composed import checkpoint, compose
from tiny import CONF, UNLIKE, decoder, options
from tiny_models import VOCABULARY, make

from reattend.attention import build_attention
from reattend.bench import build_suite
from reattend.cache import build_policy
from reattend.cache.positions import build_positions
from reattend.data import build_data
from reattend.evaluation import Task, run_task
from reattend.menus import menu, opening
from reattend.models import build_model
from reattend.models.controls import build_control
from reattend.models.language import build_lm
from reattend.records import read_records
from reattend.report import parse_spec
from reattend.report.table import meets
from reattend.settings import SettingError, build, call_by_name, check_types
from reattend.training import loggers, optimizers, schedules
from reattend.training.job import run_job
from reattend.training.objectives import build_objective
from reattend.training.trainer_settings import TrainerSettings

ENTRIES = sorted(path.stem for path in CONF.glob("*.yaml"))
FILES = sorted(path.relative_to(CONF) for path in CONF.rglob("*.yaml"))


def groups(entry: str) -> list[str]:
    """The groups that an entry file composes."""
    defaults = yaml.safe_load((CONF / f"{entry}.yaml").read_text(encoding="utf-8"))["defaults"]
    named = [
        group for item in defaults if isinstance(item, dict) for group in item if not group.startswith("override ")
    ]
    return [group.removeprefix("optional ").partition("@")[0] for group in named]


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
        assert "${" not in line or (entry and line.strip() in WITH_NAMES), line
        assert "_target_" not in line


WITH_NAMES = {
    "dir: ${results_dir}/sweeps",
    "- optional miniature@_global_: ${experiment}_${scale}",  # of defaults, where values do not count
    "- optional identity@attention: ${model}_${attention}",
}


def _fits(module: types.ModuleType, config: Mapping[str, Any], *given: str) -> dict[str, Any]:
    """The options that the function of that name takes: for those that need a trained model or a service."""
    values = {key: value for key, value in config.items() if key != "name"}
    return check_types(getattr(module, config["name"]), values, group="x", given=dict.fromkeys(given))


def vocabulary(model: Mapping[str, Any]) -> Any:
    return max(model["cutoffs"] or [0]) + 256 if model["architecture"] == "decoder" else (256, 256)


SIZES = {"context": 16, "seed": 0}


def _model(config: Mapping[str, Any]) -> Any:
    """Narrow ones; a pretrained one comes with its sizes."""
    if "heads" not in config:
        given = {"vocabulary": VOCABULARY, "pretrained": make("Llama")}
    else:
        given, config = {"vocabulary": vocabulary(config)}, config | {"width": 8 * config["heads"], "feed_forward": 64}
    return build_model(config, attention=options("attention")["softmax"], **given, **SIZES)


BUILD: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "attention": lambda config: build_attention(config, heads=2, head_width=4),
    "model": _model,
    "control": build_control,
    "objective": build_objective,
    "data": build_data,
    "optimizer": lambda config: call_by_name(
        optimizers, config, group="optimizer", parameters=decoder(options("attention")["dagpam"]).named_parameters()
    ),
    "schedule": lambda config: call_by_name(schedules, config, group="schedule", max_steps=10)(0),
    "trainer": TrainerSettings.of,
    "logger": lambda config: _fits(loggers, config, "config", "name"),
    "lm": build_lm,
    "policy": build_policy,
    "positions": build_positions,
    "suite": build_suite,
    "table": parse_spec,
    "task": lambda config: build(Task, "reattend.evaluation", config, group="task"),
}
WHOLE = ("launcher", "experiment", "scale", "miniature", "identity")  # these change the whole configuration


def chosen(group: str, name: str) -> list[str]:
    """What composes an option: a miniature comes with its experiment, an identity with a model and a mechanism."""
    if group == "miniature":
        return [f"experiment={name.removesuffix('_small')}", "scale=small"]
    if group == "identity":
        return [f"model={name.partition('_')[0]}", f"attention={name.partition('_')[2]}"]
    return [f"{group}={name}"]


def made_for(experiment: str) -> str:
    """The entry file that has every group and key which an experiment sets."""
    values = yaml.safe_load((CONF / "experiment" / f"{experiment}.yaml").read_text(encoding="utf-8"))
    defaults = values.pop("defaults", [])
    if defaults and isinstance(defaults[0], str):
        return made_for(defaults[0])  # it is another experiment with some values changed
    wanted = values.keys() | {group.removeprefix("override /") for item in defaults for group in item}
    return next(e for e in ("train", "evaluate") if wanted <= compose(e).keys() | {*groups(e)})


@pytest.mark.parametrize(("group", "name"), [(group, name) for group in BELONGS for name in menu(group)])
def test_every_option_composes_and_becomes_what_it_describes(group: str, name: str) -> None:
    entry = made_for(name) if group == "experiment" else BELONGS[group]
    plain, composed = compose(entry), compose(entry, *chosen(group, name))
    if group == "miniature":
        assert composed["experiment"] == name and composed["scale"] == "small" and composed["model"]["name"] != "small"
    if group == "identity":
        values = yaml.safe_load((CONF / group / f"{name}.yaml").read_text(encoding="utf-8"))
        attention = options("attention")[name.partition("_")[2]]
        assert composed["attention"] == attention | values != attention
    if group in WHOLE:
        return
    option, others = composed.pop(group), {key: value for key, value in plain.items() if key != group}
    assert option["name"] == name and (composed == others or group == "task")  # a task sets what it alone needs
    if option.get("accelerator") == "gpu" and not torch.cuda.is_available():
        with pytest.raises(SettingError, match="accelerator=gpu: expected a machine with a CUDA GPU"):
            BUILD[group](option)
    elif name == "training_throughput" and importlib.util.find_spec("x_transformers") is None:
        with pytest.raises(SettingError, match="expected x-transformers to be installed"):
            BUILD[group](option)
    else:
        BUILD[group](option)


MODELS = [name for name in menu("model") if name != "pretrained"]  # models/test_retrofit.py
FITS = {(name, model) for name in menu("attention") for model in ("small", "translation_small")}
FITS |= {(name, model) for name in UNLIKE for model in MODELS}


@pytest.mark.parametrize(("name", "model"), sorted(FITS))
def test_every_mechanism_fits_every_model(name: str, model: str) -> None:
    config = options("model")[model]
    narrow = config | {"width": 8 * config["heads"], "feed_forward": 64}  # the largest has 210 million parameters
    built = build_model(narrow, attention=options("attention")[name], vocabulary=vocabulary(config), **SIZES)
    counts = {"decoder": ["layers"], "encoder_decoder": ["encoder_layers", "decoder_layers", "decoder_layers"]}
    assert len(built.mechanisms) == sum(config[key] for key in counts[config["architecture"]])


SHORT = (["trainer.max_steps=2", "model.cutoffs=null"], ["trainer.max_steps=2", "objective.average=1"])
ELSEWHERE = {name.removesuffix("_small") for name in menu("miniature")}  # in training/test_recipes.py
ELSEWHERE |= {"retrofit"}  # in training/test_fine_tuning.py
ELSEWHERE |= {"tova_stories"}  # in evaluation/judging/test_judge_task.py
ELSEWHERE |= {"tova_squality", "tova_qasper"}  # in evaluation/answering/test_answering_experiments.py


@pytest.mark.parametrize("name", [n for n in menu("experiment") if n not in ELSEWHERE and made_for(n) == "train"])
def test_every_experiment_trains(name: str, small: list[str], small_pairs: list[str]) -> None:
    translates = compose("train", f"experiment={name}")["objective"]["name"] == "translation"
    config = compose("train", f"experiment={name}", *(small_pairs if translates else small), *SHORT[translates])
    assert config["experiment"] == name
    assert run_job(config).curve[-1]["step"] == 2


@pytest.mark.parametrize("name", [n for n in menu("experiment") if n not in ELSEWHERE and made_for(n) == "evaluate"])
def test_every_experiment_evaluates(name: str, text: Path, tmp_path: Path) -> None:
    model = checkpoint(tmp_path / "best.ckpt", context=64)
    lm = ["lm=checkpoint", f"lm.path={model}", "lm.device_map=cpu"]
    small = [*lm, "data=books", f"data.path={text}", "policy=window", "policy.size=8", "max_tokens=40"]
    config = compose("evaluate", f"experiment={name}", *small, f"results_dir={tmp_path}", "progress=false")
    run_task(config)
    (record,) = read_records(tmp_path / "runs")
    assert record.config["experiment"] == name and record.metrics["nats_per_token"].count == 39


# a table finds the records of these by what was trained or compared, or there is none
ASKED_OTHERWISE = ("diagnostics", "judge", "likelihood", "sample")


@pytest.mark.parametrize("name", [name for name in menu("task") if name not in ASKED_OTHERWISE])
def test_a_task_without_an_experiment_has_a_table(name: str) -> None:
    experiment = compose("evaluate", f"task={name}")["experiment"]
    selected = [table.get("select", {}).get("experiment") for table in options("table").values()]
    assert any(meets(experiment, wanted) for wanted in selected)


@pytest.mark.parametrize("entry", ENTRIES)
def test_entry_files_compose_by_themselves(entry: str) -> None:
    assert set(compose(entry)) >= set(groups(entry)) - {*WHOLE, "table"} - ({"lm"} if entry == "train" else set())
    assert "hydra" not in compose(entry)
