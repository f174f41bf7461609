"""Cache policies, one a file: what a decoder's key-value state keeps."""

from collections.abc import Mapping
from typing import Any

from reattend.cache.base import Policy, State
from reattend.settings import build

__all__ = ["Policy", "State", "build_policy"]


def build_policy(config: Mapping[str, Any]) -> Policy:
    """The policy that `config["name"]` names."""
    return build(Policy, __name__, config, group="policy")
