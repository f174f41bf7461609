"""Objectives by name: `objective=NAME` is the module of that name here."""

from collections.abc import Mapping
from typing import Any

from reattend.settings import build
from reattend.training.objective import Objective


def build_objective(config: Mapping[str, Any]) -> Objective:
    """The objective that the group of a composed config describes."""
    return build(Objective, __name__, config, group="objective")
