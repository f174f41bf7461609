"""When are two configurations the same run, and what is that run called?"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from reattend.settings import SettingError, typed

# Keys, or whole groups, that say where and how a run is shown and can never change its result.
CANNOT_CHANGE_A_RESULT = (
    "results_dir",
    "force",
    "resume",
    "plan",
    "name",
    "logger",
    "progress",
    "trainer.progress",
    "output",
    "judge.key_variable",
    "judge.timeout",
    "judge.retries",
)

# What a name is made of: the first of these whose groups the configuration has.
NAMED_BY = (("data", "lm", "policy"), ("lm", "policy"), ("data", "attention", "model"), ("data",), ())

# Settings that came later, as every run before had them: spelt out in no hash, so that older records keep theirs.
ALWAYS = {
    "objective.name": "language_modelling",
    "objective.window": None,
    "objective.stride": None,
    "objective.score_limit": None,
    "temperature": None,
    "control.name": "none",
    "model.cutoffs": None,
    "model.cutoff_factor": 4.0,
    "scale": "full",
    "trainer.diagnose_every": None,
    "positions.name": "original",
    "task.short": "keep",
}


def dotted(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as flat `attention.name: softmax` pairs."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= {f"{key}.{inner}": leaf for inner, leaf in dotted(value).items()}
        else:
            flat[key] = value
    return flat


def deciding(config: Mapping[str, Any]) -> dict[str, Any]:
    """The dotted pairs that decide what a run computes."""
    shown = tuple(f"{key}." for key in CANNOT_CHANGE_A_RESULT)
    pairs = dotted(config).items()
    return {
        key: value for key, value in pairs if not f"{key}.".startswith(shown) and (key, value) not in ALWAYS.items()
    }


def config_hash(config: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that are equal when two configurations compute the same."""
    pairs = {key: _same_number(value) for key, value in deciding(config).items()}
    text = json.dumps(pairs, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _same_number(value: Any) -> Any:
    # `lambda_init=1` on the command line is the 1.0 of the YAML file
    return int(value) if isinstance(value, float) and value.is_integer() else value


def run_name(config: Mapping[str, Any]) -> str:
    """The user's own name for the run, or one that says what it is and changes with the configuration."""
    if config["name"] is not None:
        return _file_name("name", config["name"])
    groups = next(groups for groups in NAMED_BY if config.keys() >= {*groups})
    parts = [_file_name(group, config[group]["name"]) for group in groups]
    if "attention" in config:
        control = config.get("control", {}).get("name", ALWAYS["control.name"])
        parts += [_file_name("control", control)] * (control != ALWAYS["control.name"])
        parts.append(f"seed{config['seed']}")
    elif "size" in config.get("policy", {}):
        parts[-1] += str(typed("policy.size", config["policy"]["size"], int))
    positions = config.get("positions", {}).get("name", ALWAYS["positions.name"])
    parts += [_file_name("positions", positions)] * (positions != ALWAYS["positions.name"])
    return "_".join([_file_name("experiment", config["experiment"]), *parts, config_hash(config)[:8]])


def _file_name(setting: str, value: object) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", str(value)):
        expected = "letters, digits and . _ - with a letter or digit first, as it becomes part of a file name"
        raise SettingError(setting, value, expected, f"Choose another {setting}.")
    return str(value)
