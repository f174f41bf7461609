"""A run of task=stories: a tiny Llama writes to three prompts."""

import json
from pathlib import Path

import pytest
from evaluated import composed, replaced
from storybook import LONGEST, PROMPTS, Tell

from reattend.evaluation import run_task
from reattend.records import StoriesRecord, read_record, run_name


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps(PROMPTS), encoding="utf-8")
    return path


@pytest.fixture
def arguments(model: Path, prompts: Path, tmp_path: Path) -> list[str]:
    task = ["task=stories", "task.count=6", f"task.prompts={prompts}", f"task.longest={LONGEST}", "task.batch_size=4"]
    draw = ["task.temperature=1.5", "task.top_p=0.9", "task.bos=false"]
    return [*task, *draw, "lm=pretrained", f"lm.path={model}", "lm.device_map=cpu", f"results_dir={tmp_path / 'r'}"]


@pytest.fixture
def tell(arguments: list[str]) -> Tell:
    """tell("policy=tova", ...) -> the record; what is changed takes the place of what is given."""

    def told(*changes: str) -> StoriesRecord:
        config = composed([*replaced(arguments, *changes), "progress=false"])
        run_task(config)
        record = read_record(Path(config["results_dir"]) / "runs" / f"{run_name(config)}.json")
        assert isinstance(record, StoriesRecord)
        return record

    return told
