"""A run of stories that is stopped, has no room, is finished before or was asked for what cannot be."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import command, result
from storybook import Tell

from reattend.evaluation.storytelling.writer import Writer
from reattend.evaluation.unfinished import Interrupted
from reattend.records import StoriesRecord
from reattend.settings import SettingError


def test_an_interrupted_run_goes_on_after_its_last_batch(
    tell: Tell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tell("policy=tova", "policy.size=12", "name=run", f"results_dir={tmp_path / 'whole'}")
    plain, written = Writer._stories, []

    def stories(self: Writer, numbers: Any) -> Any:
        if len(written) == 1:
            raise KeyboardInterrupt
        written.append([*numbers])
        return plain(self, numbers)

    monkeypatch.setattr(Writer, "_stories", stories)
    with pytest.raises(Interrupted, match="run: stopped after 4 of 6 stories; the same command goes on"):
        tell("policy=tova", "policy.size=12", "name=run")
    written.clear()
    record = tell("policy=tova", "policy.size=12", "name=run")
    assert written == [[4, 5]]

    def same(one: StoriesRecord) -> dict[str, Any]:
        found = result(one)
        changing = ("seconds", "own_nats", "full_nats")
        return found | {"stories": [{k: v for k, v in s.items() if k not in changing} for s in found["stories"]]}

    whole_metrics, metrics = whole.metrics.pop("full_nats_per_token"), record.metrics.pop("full_nats_per_token")
    assert metrics.value == pytest.approx(whole_metrics.value, rel=1e-6)
    assert same(record) == same(whole)
    assert not (tmp_path / "r" / "unfinished" / "run" / "parts.jsonl").exists()


def test_other_prompts_under_a_finished_name_are_refused(tell: Tell, prompts: Path) -> None:
    tell("policy=full", "name=run", "task.count=1", "task.longest=2")
    prompts.write_text(json.dumps(["Another one"]))
    with pytest.raises(SettingError, match=r"^task.prompts=prompts.json: expected the prompts of the record run"):
        tell("policy=full", "name=run", "task.count=1", "task.longest=2")


def test_a_gpu_without_room_gets_smaller_batches(
    tell: Tell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plain, sizes = Writer._stories, []

    def stories(self: Writer, numbers: Any) -> Any:
        sizes.append(len(numbers))
        if len(numbers) > 2:
            raise torch.OutOfMemoryError
        return plain(self, numbers)

    monkeypatch.setattr(Writer, "_stories", stories)
    record = tell("policy=full")
    assert sizes == [4, 2, 2, 2] and len(record.stories) == 6
    assert "going on with task.batch_size=2" in capsys.readouterr().err


def test_the_script_says_where_the_stories_lie(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("evaluate", *arguments, "policy=tova", "policy.size=12", "name=run", "progress=false") == 0
    told = capsys.readouterr().out
    assert "6 stories," in told and "before anything had left the state" in told
    assert f"stories: {tmp_path / 'r' / 'predictions' / 'run.jsonl'}" in told
    assert command("evaluate", *arguments, "policy=tova", "policy.size=12", "name=run") == 0
    assert "finished before" in capsys.readouterr().out
    (tmp_path / "r" / "predictions" / "run.jsonl").unlink()
    assert command("evaluate", *arguments, "policy=tova", "policy.size=12", "name=run") == 1
    assert "expected the stories of the record run in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["task.count=0"], "task.count=0: expected at least 1"),
        (["task.batch_size=0"], "task.batch_size=0: expected at least 1"),
        (["task.longest=0"], "task.longest=0: expected at least 1"),
        (["task.prompt_words=0"], "task.prompt_words=0: expected at least 1"),
        (["task.temperature=0", "task.count=99"], "task.count=99: expected at most"),
        (
            ["policy=window", "policy.size=8", "positions=slots"],
            "positions=slots: expected original with policy=window",
        ),
        (["task.temperature=-1"], "task.temperature=-1.0: expected at least 0"),
        (["task.top_p=0"], "task.top_p=0.0: expected above 0 and at most 1"),
        (["task.top_p=1.5"], "task.top_p=1.5: expected above 0 and at most 1"),
        (["task.prompt=' '"], 'task.prompt="": expected a text'),
        (["task.prompts=gone.json"], "task.prompts=gone.json: expected an existing file"),
        (["task.longest=250"], "task.longest=250: expected at most"),
        (["chunk=0"], "chunk=0: expected at least 1"),
        (["policy=tova", "policy.size=0"], "policy.size=0: expected at least 1"),
    ],
)
def test_bad_values_are_one_message(tell: Tell, changes: list[str], message: str) -> None:
    with pytest.raises(SettingError) as refused:
        tell(*changes)
    assert str(refused.value).startswith(message)
