"""Attention mechanisms, one a file: q, k, v -> output, with the dense `weights` beside the fused path."""

from collections.abc import Mapping
from typing import Any

from reattend.attention.base import Attention
from reattend.settings import build

__all__ = ["Attention", "build_attention"]


def build_attention(config: Mapping[str, Any], *, heads: int, head_width: int) -> Attention:
    """The mechanism that `config["name"]` names, for one layer."""
    return build(Attention, __name__, config, group="attention", heads=heads, head_width=head_width)
