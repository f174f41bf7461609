"""Tasks on a trained, frozen model: each function of `tasks` is one, named as its file in conf/task."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reattend.cache import build_policy
from reattend.evaluation import tasks
from reattend.models.checkpoint import load_decoder
from reattend.settings import call_by_name, seed_of


def run_task(config: Mapping[str, Any]) -> str:
    """What the task of a composed configuration prints."""
    seed = seed_of(config)
    model = load_decoder(Path(str(config["checkpoint"])), setting="checkpoint")
    policy = build_policy(config["policy"])
    return str(call_by_name(tasks, config["task"], group="task", model=model, policy=policy, seed=seed))
