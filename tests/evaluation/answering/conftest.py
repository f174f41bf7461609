"""A run of task=squality: a tiny Llama is asked about three stories."""

from pathlib import Path

import pytest
from asked import CONTEXT, NEW, STORIES, Ask, answers, story, write_stories
from evaluated import replaced

from reattend.data import squality
from reattend.data.counts import Counts


@pytest.fixture
def asked(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a command needs to ask that model about three stories."""
    monkeypatch.setattr(squality, "COUNTS", {"dev": Counts(3, 6, 12)})
    path = write_stories(tmp_path / "dev.jsonl", [story(book) for book in STORIES])
    lm = ["lm=pretrained", f"lm.path={model}", "lm.device_map=cpu", "task=squality"]
    data = [f"data.path={path}", "data.split=dev", f"task.max_new_tokens={NEW}", f"task.context={CONTEXT}", "chunk=16"]
    return [*lm, *data, "policy=full", f"results_dir={tmp_path / 'results'}", "progress=false"]


@pytest.fixture
def ask(asked: list[str]) -> Ask:
    """ask("policy=tova", ...) -> the record."""
    return lambda *changes: answers(replaced(asked, *changes))
