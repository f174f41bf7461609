"""Tasks on a frozen language model under a cache policy, or on a translation model, one a file."""

from collections.abc import Mapping
from typing import Any

from reattend.evaluation.base import Task
from reattend.settings import build, seed_of

__all__ = ["Task", "run_task"]


def run_task(config: Mapping[str, Any]) -> str:
    """What the task of a composed configuration prints."""
    seed_of(config)
    return build(Task, __name__, config["task"], group="task").run(config)
