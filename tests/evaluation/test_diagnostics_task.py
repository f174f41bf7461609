"""`task=diagnostics`: the record holds what the functions say of the two models; bad input is told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from composed import checkpoint, command, compose

from reattend.data import build_corpus
from reattend.diagnostics import measure, of_each_sample
from reattend.evaluation import run_task
from reattend.models import build_model
from reattend.models.checkpoint import load_decoder
from reattend.records import DiagnosticsRecord, read_records
from reattend.settings import SettingError
from reattend.training.job import run_job

SMALL = {"samples": 3, "length": 12, "rows": 2}


@pytest.fixture
def trained(job: Callable[..., dict[str, Any]], tmp_path: Path) -> tuple[dict[str, Any], Path]:
    """The configuration of a training and its best checkpoint."""
    config = job("attention=dagpam", "seed=3", "optimizer.learning_rate=0.01")
    run_job(config)
    (path,) = Path(config["results_dir"]).glob("checkpoints/*/best.ckpt")
    return config, path


def diagnosed(path: Path, results: Path, **changes: Any) -> tuple[DiagnosticsRecord, str]:
    config = compose("evaluate", "task=diagnostics")
    values = {"checkpoint": str(path), "results_dir": str(results)} | SMALL | changes
    assert values.keys() <= config.keys()
    printed = run_task(config | values)
    (record,) = read_records(results / "runs")
    assert isinstance(record, DiagnosticsRecord)
    return record, printed


def test_the_record_says_what_the_functions_do(trained: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    config, path = trained
    record, printed = diagnosed(path, tmp_path / "found")
    valid = build_corpus(config["data"]).splits()["valid"].astype(np.int64)
    starts = [12 * (i * 5 // 3) for i in range(3)]
    inputs, targets = (
        torch.stack([torch.from_numpy(valid[start + shift : start + shift + 12]) for start in starts])
        for shift in (0, 1)
    )
    fresh = build_model(config["model"], attention=config["attention"], vocabulary=256, context=16, seed=3)
    for when, model in (("initial", fresh), ("trained", load_decoder(path, setting="checkpoint"))):
        model = model.double().eval()
        gradients, losses = of_each_sample(model, inputs, targets)
        wanted = {(one.stack, one.quantity): one.values for one in measure(model, inputs, rows=2)}
        wanted |= {("full", name): values for name, values in gradients.items()}
        found = {(one["stack"], one["quantity"]): one for one in record.series if one["when"] == when}
        assert found.keys() == wanted.keys()
        for key, values in wanted.items():
            assert found[key]["mean"] == pytest.approx(values.mean(dim=1).tolist(), rel=1e-6, abs=1e-12), key
            assert found[key]["sd"] == pytest.approx(values.std(dim=1).tolist(), rel=1e-6, abs=1e-12), key
            assert found[key]["layers"][-1] == config["model"]["layers"]
        assert record.metrics[f"{when}/nats_per_token"].value == pytest.approx(sum(losses) / 3)
    assert record.seed == 3 and record.model["attention"] == "dagpam" and "_dagpam_tiny_seed3_" in record.name
    assert record.learned["lambda_positive"] and record.data["samples"] == 3
    assert "attention_only" in printed and "gradient_query   trained" in printed
    again, _ = diagnosed(path, tmp_path / "found")
    assert again == record


def test_one_sample_has_no_deviation(trained: tuple[dict[str, Any], Path], tmp_path: Path) -> None:
    record, _ = diagnosed(trained[1], tmp_path / "one", samples=1, length=None)
    assert record.data["length"] == 16 and all(value is None for one in record.series for value in one["sd"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": 0}, "samples=0: expected at least 1"),
        ({"samples": 99}, "samples=99: expected at most 5, the blocks of 12 tokens in valid"),
        ({"length": 17}, "length=17: expected at most 16"),
        ({"split": "dev"}, "split=dev: expected one of"),
        ({"checkpoint": "none.ckpt"}, "checkpoint=none.ckpt: expected an existing checkpoint"),
    ],
)
def test_bad_input(trained: tuple[dict[str, Any], Path], tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        diagnosed(trained[1], tmp_path / "bad", **changes)


def test_the_command(trained: tuple[dict[str, Any], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = [f"checkpoint={trained[1]}", "samples=2", "length=8", f"results_dir={tmp_path / 'command'}"]
    assert command("evaluate", "task=diagnostics", *options) == 0
    assert "2 blocks of 8 bytes, valid split of text" in capsys.readouterr().out
    assert command("evaluate", "task=diagnostics", f"checkpoint={checkpoint(tmp_path / 'x.ckpt')}") == 1
