"""A training that is measured is the training that is not; its rows are those of its model, resumed or not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import compose, load

from reattend.diagnostics import STACKS, measure
from reattend.models.checkpoint import load_decoder
from reattend.records import read_records
from reattend.settings import SettingError
from reattend.training import diagnose
from reattend.training.job import run_job

Job = Callable[..., dict[str, Any]]
EACH = ("attention=dagpam", "trainer.diagnose_every=2", "model.dropout=0.1")


def weights(results: str, name: str = "last") -> dict[str, torch.Tensor]:
    (path,) = Path(results).glob(f"checkpoints/*/{name}.ckpt")
    return load(path)["state_dict"]


def test_measuring_changes_nothing_and_measures_the_model(job: Job, tmp_path: Path) -> None:
    plain = job(*EACH, "trainer.diagnose_every=null", f"results_dir={tmp_path / 'plain'}")
    assert run_job(plain).diagnostics == []
    measured = job(*EACH, "logger=none")
    record = run_job(measured)
    assert all(
        torch.equal(weights(plain["results_dir"])[key], x) for key, x in weights(measured["results_dir"]).items()
    )
    rows = record.diagnostics
    assert [row["step"] for row in rows] == [1, 2, 4, 6]
    layers = measured["model"]["layers"]
    assert all(len(rows[-1]["quantities"][name]) == layers for name in ("gradient_query", "jacobian_norm", "entropy"))
    assert len(rows[-1]["quantities"]["token_cosine"]) == layers + 1
    assert rows[-1]["learned"] == record.learned and rows[0]["learned"] != record.learned
    assert record.timing["train_seconds"] < record.timing["wall_seconds"] - sum(row["seconds"] for row in rows)
    (read,) = read_records(Path(measured["results_dir"]) / "runs")
    assert read == record

    (last,) = Path(measured["results_dir"]).glob("checkpoints/*/last.ckpt")
    model = load_decoder(last, setting="checkpoint")
    text = Path(measured["data"]["path"]).read_bytes()
    assert record.data["splits"]["valid"]["tokens"] == 70
    valid = torch.tensor(list(text))[1260:1330]  # 18 of 20 parts are trained on
    starts = [16 * i for i in range(4)]
    sample = torch.stack([valid[start : start + 16] for start in starts])
    for one in measure(model, sample, rows=diagnose.ROWS, stacks={"full": STACKS["full"]}):
        found = rows[-1]["quantities"][one.quantity]
        assert found == pytest.approx(one.values.mean(dim=1).tolist(), rel=1e-4, abs=1e-6), one.quantity


def test_gradients_are_those_before_clipping(job: Job) -> None:
    loose = run_job(job(*EACH, "trainer.gradient_clip=0", "trainer.max_steps=2", "name=loose"))
    tight = run_job(job(*EACH, "trainer.gradient_clip=1e-6", "trainer.max_steps=2", "name=tight"))
    first, second = (record.diagnostics[0]["quantities"]["gradient_query"] for record in (loose, tight))
    assert first == second and first[0] is not None and first[0] > 1e-5


def test_a_resumed_run_has_the_same_rows(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    config = job(*EACH, "trainer.checkpoint_every=1")
    measured, stop = diagnose.Diagnose._measure, True

    def at_four(self: Any, trainer: Any, module: Any) -> None:
        if stop and trainer.global_step == 4:
            raise RuntimeError("cut off")
        measured(self, trainer, module)

    monkeypatch.setattr(diagnose.Diagnose, "_measure", at_four)
    with pytest.raises(RuntimeError, match="cut off"):
        run_job(config)
    stop = False
    resumed = run_job(config).diagnostics
    whole = run_job(config | {"force": True}).diagnostics
    for one, other in zip(resumed, whole, strict=True):
        assert (one["step"], one["quantities"], one["learned"]) == (
            other["step"],
            other["quantities"],
            other["learned"],
        )


def test_only_language_models_are_measured(small_pairs: list[str]) -> None:
    with pytest.raises(SettingError, match=r"trainer.diagnose_every=2: expected null"):
        run_job(compose("train", *small_pairs, "trainer.diagnose_every=2"))
