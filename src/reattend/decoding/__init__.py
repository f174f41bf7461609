"""From a source to target tokens: beam search and sampling, one file each, and whole files in batches."""

from collections.abc import Mapping
from typing import Any

from reattend.decoding.base import Hypothesis, Search
from reattend.decoding.beam import beam_search
from reattend.decoding.sampling import sample
from reattend.decoding.translate import translate
from reattend.settings import build

__all__ = ["Hypothesis", "Search", "beam_search", "build_search", "sample", "translate"]


def build_search(config: Mapping[str, Any], *, group: str = "search") -> Search:
    """The search that `config["name"]` names."""
    return build(Search, __name__, config, group=group)
