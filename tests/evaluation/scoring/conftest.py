"""A split of 70 bytes, and runs of task=likelihood in this process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from composed import compose
from splits_by_hand import CONTEXT, Given
from tiny import options

from reattend.evaluation import run_task
from reattend.records import EvaluationRecord, read_records


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "cache"))


@pytest.fixture
def data(cache: None, text: Path) -> Given:
    """70 bytes to test on."""
    return options("data")["text"] | {"path": str(text), "context": CONTEXT, "batch_size": 4, "valid_limit": None}


@pytest.fixture
def score(cache: None, tmp_path: Path) -> Callable[..., EvaluationRecord]:
    """score(checkpoint, window=8, ...) -> the record."""

    def run(path: Path, **changes: Any) -> EvaluationRecord:
        config = compose("evaluate", "task=likelihood")
        results = tmp_path / f"results{len(list(tmp_path.glob('results*')))}"
        values: Given = {"checkpoint": str(path), "results_dir": str(results), "progress": False} | changes
        assert values.keys() <= config.keys()
        print(run_task(config | values))
        (record,) = read_records(Path(values["results_dir"]) / "runs")
        assert isinstance(record, EvaluationRecord)
        return record

    return run
