"""What things cost, as ratios of two sides measured in turn on the same machine: one suite a file."""

from collections.abc import Mapping
from typing import Any

from reattend.bench.base import Suite
from reattend.settings import build

__all__ = ["Suite", "build_suite"]


def build_suite(config: Mapping[str, Any]) -> Suite:
    """The suite that `config["name"]` names."""
    return build(Suite, __name__, config, group="suite")
