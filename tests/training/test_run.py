"""What one run trains, counts, times and records, and how it ends when its loss is no number."""

import itertools
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from composed import command, load, result
from hypothesis import given
from hypothesis import strategies as st
from moments import at_batch
from torch.nn import functional as F

from reattend.models.checkpoint import load_decoder
from reattend.models.decoder import Decoder
from reattend.records import read_record
from reattend.settings import Stop
from reattend.training import history
from reattend.training.checkpoints import Checkpoints
from reattend.training.history import History
from reattend.training.job import run_job

Job = Callable[..., dict[str, Any]]
ERRATIC = ["optimizer.learning_rate=0.3", "schedule=constant"]


def test_repeats_with_its_seed_and_differs_with_another(job: Job) -> None:
    dropout = ["attention=dagpam", "attention.dropout=0.2", "model.dropout=0.2"]
    once, again, other = (result(run_job(job(*dropout, how))) for how in ("force=false", "force=true", "seed=2"))
    once["config"].pop("force"), again["config"].pop("force")
    assert once == again
    for key in ("metrics", "curve", "learned"):
        assert once[key] != other[key]


def test_every_mechanism_sees_the_same_batches(job: Job) -> None:
    seen = {}
    for name in ("softmax", "dagpam"):
        with pytest.MonkeyPatch.context() as patch:
            seen[name] = at_batch(patch, 0, lambda model, loss: loss)
            run_job(job(f"attention={name}", "trainer.max_steps=25"))  # an epoch has 19 batches
    assert len(seen["softmax"]) == len(seen["dagpam"]) == 25
    for one, other in zip(seen["softmax"], seen["dagpam"], strict=True):
        assert torch.equal(one[0], other[0]) and torch.equal(one[1], other[1])


def test_an_untrained_model_stands_near_8_bits_a_byte(job: Job) -> None:
    record = run_job(job("optimizer.learning_rate=0"))
    for metric in record.metrics.values():
        assert 7.9 < metric.value < 8.8


def test_metrics_are_sums_over_each_token_once(job: Job, text: Path, tmp_path: Path) -> None:
    record = run_job(job("trainer.max_steps=20", "name=scored"))
    model = load_decoder(tmp_path / "results" / "checkpoints" / "scored" / "best.ckpt", setting="checkpoint")
    tokens = torch.from_numpy(np.fromfile(text, dtype=np.uint8).astype(np.int64))
    for split, part in (("valid", tokens[1260:1330]), ("test", tokens[1330:])):
        bits = 0.0
        for start in range(0, len(part) - 1, 16):  # blocks of data.context bytes, one at a time
            block = part[start : start + 17]
            logits = model(block[None, :-1])[0]
            bits += F.cross_entropy(logits, block[1:], reduction="sum").item() / math.log(2)
        metric = record.metrics[f"{split}/bits_per_byte"]
        assert metric.count == len(part) - 1 == record.data["splits"][split]["tokens"] - 1
        assert metric.sum == pytest.approx(bits, rel=1e-5)
        assert metric.value == metric.sum / metric.count
        assert metric.unit == "bits per byte"


def test_the_best_checkpoint_is_scored(job: Job) -> None:
    record = run_job(job(*ERRATIC, "trainer.max_steps=20", "trainer.validations=20", "data.valid_limit=null"))
    validated = [row["valid_bits"] for row in record.curve]
    assert min(validated) < validated[-1]  # or this run would show nothing
    assert record.metrics["valid/bits_per_byte"].value == min(validated)


def test_the_curve_counts_every_token(job: Job) -> None:
    # 19 batches an epoch: with three batches a step the last one of an epoch fills no step
    record = run_job(job("trainer.max_steps=20", "trainer.validations=6", "trainer.accumulate=3"))
    assert [row["step"] for row in record.curve] == [3, 7, 10, 13, 17, 20]
    assert [row["tokens"] for row in record.curve] == [3 * 4 * 16 * row["step"] for row in record.curve]
    timing = record.timing
    assert timing["tokens_per_second"] == record.curve[-1]["tokens"] / timing["train_seconds"]
    assert timing["curve_seconds"] == sorted(timing["curve_seconds"]) and len(timing["curve_seconds"]) == 6
    assert timing["curve_seconds"][-1] == timing["train_seconds"] < timing["wall_seconds"]


def test_a_curves_training_loss_is_the_mean_since_the_last_validation(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, bits = Decoder.loss, []

    def kept(model: Decoder, tokens: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        nats, count = plain(model, tokens, targets)
        if model.training:
            bits.append(nats.item() / count.item() / math.log(2))
        return nats, count

    monkeypatch.setattr(Decoder, "loss", kept)
    record = run_job(job("trainer.max_steps=10", "trainer.log_every=4", "trainer.checkpoint_every=3"))
    found = [row["train_bits"] for row in record.curve]
    assert found == pytest.approx([sum(bits[:5]) / 5, sum(bits[5:]) / 5], rel=1e-6)


def test_only_training_is_timed(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training batch lasts one second here, one of a validation 100 s and a checkpoint 10,000 s."""
    now = 0.0
    plain, save = Decoder.loss, Checkpoints.save

    def loss(model: Decoder, *batch: Any) -> Any:
        nonlocal now
        now += 1.0 if model.training else 100.0
        return plain(model, *batch)

    def slow_save(*arguments: Any) -> None:
        nonlocal now
        now += 10_000.0
        save(*arguments)

    monkeypatch.setattr(history, "time", SimpleNamespace(perf_counter=lambda: now))
    monkeypatch.setattr(Decoder, "loss", loss)
    monkeypatch.setattr(Checkpoints, "save", slow_save)
    record = run_job(job("trainer.max_steps=12", "trainer.log_every=5", "trainer.checkpoint_every=2"))
    assert record.timing["train_seconds"] == 12
    assert record.timing["curve_seconds"] == [6, 12]


@given(max_steps=st.integers(1, 3000), validations=st.integers(1, 50))
def test_validations_are_evenly_spaced_and_the_last_is_at_the_end(max_steps: int, validations: int) -> None:
    settings: dict[str, Any] = {"corpus": SimpleNamespace(unit="byte"), "log_every": 1}
    due = sorted(History(max_steps=max_steps, validations=validations, **settings).due)
    assert len(due) == min(max_steps, validations) and due[-1] == max_steps
    # within half a step of the exact place, in whole numbers: max_steps=467, validations=14 lands on a half
    assert all(2 * abs(step * len(due) - max_steps * (i + 1)) <= len(due) for i, step in enumerate(due))


def test_the_record_says_what_the_mechanism_adds_and_learned(job: Job) -> None:
    softmax, dagpam = (run_job(job(f"attention={name}")) for name in ("softmax", "dagpam"))
    width = 16  # of a head: W_Q^- and its bias and one lambda, in each of two layers
    assert dagpam.parameters["attention_extra"] == 2 * (width * (width + 1) + 1)
    assert dagpam.parameters["total"] - softmax.parameters["total"] == dagpam.parameters["attention_extra"]
    assert softmax.parameters["attention_extra"] == 0 and softmax.learned == {}
    assert len(dagpam.learned["lambda_positive"]) == 2 and dagpam.learned["lambda_positive"] != [[1.0], [1.0]]


@pytest.mark.parametrize("terminal", [False, True])
def test_progress_is_a_line_a_validation_and_a_bar_in_a_terminal(
    job: Job, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    record = run_job(job("trainer.progress=true", "trainer.max_steps=4"))
    told = capsys.readouterr().err
    for row in record.curve:
        line = f"step      {row['step']} of 4  train {row['train_bits']:.3f}  valid {row['valid_bits']:.3f} bits/byte"
        assert line in told
    assert ("100%" in told and "softmax seed 1" in told) == terminal


def finite(path: Path) -> bool:
    return all(bool(value.isfinite().all()) for value in load(path)["state_dict"].values())


def test_a_learning_rate_far_too_high_is_one_message(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wild = ["optimizer.learning_rate=1e38", "trainer.checkpoint_every=1", "name=wild", "trainer.gradient_clip=0"]
    assert command("train", *small, *wild) == 1
    told = capsys.readouterr().err
    assert " at step " in told and "Lower optimizer.learning_rate" in told and "Traceback" not in told
    assert not (tmp_path / "results" / "runs").exists()
    folder = tmp_path / "results" / "checkpoints" / "wild"
    assert all(finite(path) for path in folder.glob("*.ckpt"))


def _nan(model: Decoder, loss: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    return loss[0] * math.nan, loss[1]


def _bad_gradient(model: Decoder, loss: tuple[torch.Tensor, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    nothing = (model.embedding.weight.sum() * 0).sqrt()  # 0, with a gradient of 0 * infinity
    return loss[0] + nothing, loss[1]


@pytest.mark.parametrize(("poison", "what"), [(_nan, "training loss is nan"), (_bad_gradient, "is not finite after")])
@pytest.mark.parametrize("every", [1, 100])
def test_a_loss_that_is_no_number_keeps_the_last_good_checkpoint(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, poison: Any, what: str, every: int
) -> None:
    steps = ["trainer.max_steps=12", "trainer.validations=3", "trainer.accumulate=2", "trainer.log_every=2"]
    config = job(*steps, f"trainer.checkpoint_every={every}", "name=poisoned")
    before = at_batch(monkeypatch, 12, poison)
    with pytest.raises(Stop, match=r" at step \d") as stop:
        run_job(config)
    if every == 1 or poison is _nan:
        assert f"{what}" in str(stop.value) and " at step 6." in str(stop.value)
    assert len(before) <= 16
    folder = tmp_path / "results" / "checkpoints" / "poisoned"
    assert load(folder / "last.ckpt")["global_step"] == (5 if every == 1 else 4)
    assert finite(folder / "last.ckpt") and finite(folder / "best.ckpt")
    assert not list(tmp_path.rglob("*.json")) and not list(tmp_path.rglob("*.part"))

    monkeypatch.undo()
    run_job(config)  # goes on from there
    assert read_record(tmp_path / "results" / "runs" / "poisoned.json").curve[-1]["step"] == 12


def test_a_score_that_is_no_number_is_not_recorded(job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Decoder.loss
    calls = itertools.count()

    def loss(model: Decoder, *batch: Any) -> Any:
        nats, count = plain(model, *batch)
        return (nats if model.training or next(calls) < 4 else nats * math.inf), count  # two validations pass

    monkeypatch.setattr(Decoder, "loss", loss)
    with pytest.raises(Stop, match="The loss of an evaluation is inf at step 6"):
        run_job(job())
    assert not list(tmp_path.rglob("*.json"))
