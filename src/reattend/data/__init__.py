"""Texts, one source a file: from the canonical source to verified files to tokens to batches."""

from collections.abc import Mapping
from typing import Any

from reattend.data.base import Data
from reattend.data.corpus import Corpus
from reattend.data.documents import Document, Documents
from reattend.data.parallel.corpus import ParallelCorpus
from reattend.data.questions import Question, Questions
from reattend.settings import build

__all__ = [
    "Corpus",
    "Document",
    "Documents",
    "ParallelCorpus",
    "Question",
    "Questions",
    "build_corpus",
    "build_data",
    "build_documents",
    "build_parallel",
    "build_questions",
]


def build_corpus(config: Mapping[str, Any]) -> Corpus:
    """The corpus to train on that the `data` group of a composed config describes; reads no file yet."""
    return build(Corpus, __name__, config, group="data")


def build_documents(config: Mapping[str, Any]) -> Documents:
    """The documents to evaluate on that the `data` group of a composed config describes; reads no file yet."""
    return build(Documents, __name__, config, group="data")


def build_parallel(config: Mapping[str, Any]) -> ParallelCorpus:
    """The parallel corpus that the `data` group of a composed config describes; reads no file yet."""
    return build(ParallelCorpus, __name__, config, group="data")


def build_questions(config: Mapping[str, Any]) -> Questions:
    """The questions about documents that the `data` group of a composed config describes; reads no file yet."""
    return build(Questions, __name__, config, group="data")


def build_data(config: Mapping[str, Any]) -> Data:
    """Any of these, whichever the option is."""
    return build(Data, __name__, config, group="data")
