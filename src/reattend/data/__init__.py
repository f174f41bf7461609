"""Corpora, one a file: from the canonical source to verified files to tokens to batches."""

from collections.abc import Mapping
from typing import Any

from reattend.data.corpus import Corpus
from reattend.settings import build


def build_corpus(config: Mapping[str, Any]) -> Corpus:
    """The corpus that the `data` group of a composed config describes; reads no file yet."""
    return build(Corpus, "reattend.data", config, group="data")
