"""A run of task=judge on two files of stories, and single questions; nobody waits for anything."""

import json
from pathlib import Path
from typing import Any

import pytest
from compared import KEY, STORIES, Ask, Judge
from evaluated import composed
from stub_judge import Stub, Told, served

from reattend.evaluation import run_task
from reattend.evaluation.judging import endpoint
from reattend.evaluation.judging.endpoint import Endpoint, Reply
from reattend.evaluation.judging.settings import JudgeSettings
from reattend.records import JudgementRecord, read_record, run_name


@pytest.fixture(autouse=True)
def without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("STUB_KEY", KEY)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "FIRST_WAIT", 0.001)


def write(path: Path, version: int, **changes: Any) -> Path:
    lines = [{"number": n, "prompt": f"Tell {n}.", "text": texts[version]} for n, texts in STORIES.items()]
    path.write_text("".join(json.dumps(line | changes) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def files(at_once: None, tmp_path: Path) -> list[str]:
    return [
        f"first={write(tmp_path / 'one.jsonl', 0)}",
        f"second={write(tmp_path / 'two.jsonl', 1)}",
        f"results_dir={tmp_path / 'r'}",
        "progress=false",
    ]


@pytest.fixture
def judge(files: list[str]) -> Judge:
    """judge(stub, ...) -> the record."""

    def judged(stub: Stub, *changes: str) -> JudgementRecord:
        given = ["task=judge", *files, f"judge.url={stub.url}", "judge.key_variable=STUB_KEY", "judge.model=m"]
        keys = {change.partition("=")[0] for change in changes}
        config = composed([*(word for word in given if word.partition("=")[0] not in keys), *changes])
        run_task(config)
        record = read_record(Path(config["results_dir"]) / "runs" / f"{run_name(config)}.json")
        assert isinstance(record, JudgementRecord)
        return record

    return judged


@pytest.fixture
def ask() -> Ask:
    """ask(told, told, ...) -> the reply when the endpoint does these in turn, the waits, and what it was asked."""

    def asked(*script: Told, answered: bool = True, **settings: Any) -> tuple[Reply, list[float], Stub]:
        waits: list[float] = []
        with served(lambda question, number: script[min(number, len(script) - 1)]) as stub:
            values = {"url": stub.url, "model": "m", "key_variable": "STUB_KEY", "timeout": 5.0, "retries": 3}
            endpoint = Endpoint(JudgeSettings(**(values | settings)), answered=answered, sleep=waits.append)
            try:
                return endpoint.ask("Which?"), waits, stub
            finally:
                endpoint.close()

    return asked
