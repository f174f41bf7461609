"""Training to translate: the loss by hand, exact resume, averages, an early end, and what the record says."""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import compose, load, result, state
from torch import Tensor

from reattend.data import build_parallel
from reattend.decoding import translate
from reattend.decoding.beam import Beam
from reattend.metrics.bleu import sacre_bleu
from reattend.models.checkpoint import load_decoder, load_translator
from reattend.records import TrainingRecord
from reattend.settings import SettingError
from reattend.training.checkpoints import Checkpoints
from reattend.training.job import run_job
from reattend.training.objectives.translation import label_smoothed

Job = Callable[..., dict[str, Any]]


@pytest.fixture
def pair_job(small_pairs: list[str]) -> Job:
    return lambda *overrides: compose("train", *small_pairs, *overrides)


def test_the_loss_equals_a_hand_computed_one() -> None:
    logits = torch.tensor([[[1.0, 2.0, -1.0], [0.5, 0.0, 3.0]]], dtype=torch.float64)  # [1, 2, V]
    targets = torch.tensor([[1, 0]])
    expected = nats = 0.0
    for row, aim in zip(logits[0].tolist(), targets[0].tolist(), strict=True):
        total = math.log(sum(map(math.exp, row)))
        minus_log_p = [total - value for value in row]
        nats += minus_log_p[aim]
        # 0.9 on the right symbol, 0.1 spread over the two wrong ones
        expected += 0.9 * minus_log_p[aim] + sum(0.05 * m for symbol, m in enumerate(minus_log_p) if symbol != aim)
    smoothed, plain, count = label_smoothed(logits, targets, smoothing=0.1)
    assert smoothed.item() == pytest.approx(expected, rel=1e-6) and plain.item() == pytest.approx(nats, rel=1e-6)
    assert count == 2


def test_padding_has_no_part_in_the_loss() -> None:
    logits = torch.randn(2, 3, 7, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([[1, 2, -100], [3, -100, -100]])
    whole = label_smoothed(logits, targets, smoothing=0.1)
    rows = [label_smoothed(logits[i : i + 1, :n], targets[i : i + 1, :n], smoothing=0.1) for i, n in ((0, 2), (1, 1))]
    for together, apart in zip(whole, zip(*rows, strict=True), strict=True):
        assert float(together) == pytest.approx(sum(map(float, apart)), rel=1e-5)
    changed = logits.clone()
    changed[0, 2] = changed[1, 1:] = 1e3
    assert [*map(float, label_smoothed(changed, targets, smoothing=0.1))] == [*map(float, whole)]


def test_accumulated_batches_weigh_each_target_alike(pair_job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    # one step over all batches has the gradient of the mean over their targets
    config = pair_job("trainer.accumulate=3", "trainer.max_steps=1", "trainer.validations=1", "model.dropout=0")
    corpus = build_parallel(config["data"])
    taken = [*corpus.training_batches(seed=1, accumulate=3)][:3]
    grads: list[Tensor] = []
    from reattend.training.module import Learning

    def keep(self: Learning, *_: Any, **__: Any) -> None:
        grads.append(self.model.output.weight.grad.clone())  # type: ignore[union-attr, operator]

    monkeypatch.setattr(Learning, "configure_gradient_clipping", keep)
    run_job(config)
    from reattend.models import build_model

    model = build_model(
        config["model"],
        attention=config["attention"],
        vocabulary=corpus.vocabulary,
        context=corpus.context,
        seed=config["seed"],
    )
    count = sum(int((b.targets != -100).sum()) for b in taken)
    loss = sum(label_smoothed(model(b.source, b.inputs), b.targets, smoothing=0.1)[0] for b in taken) / count
    loss.backward()
    torch.testing.assert_close(grads[0], model.output.weight.grad, rtol=1e-4, atol=1e-7)


def test_a_run_learns_and_its_record_says_how_well(pair_job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    record = run_job(pair_job("trainer.max_steps=60", "optimizer.learning_rate=1e-2", "attention=dagpam"))
    assert isinstance(record, TrainingRecord)
    assert record.curve[-1]["valid_bits"] < 0.8 * math.log2(record.data["splits"]["train"]["tokens"])
    assert {"test/sacrebleu", "test/tokenised_bleu", "test/chrf", "test/bits_per_token"} <= record.metrics.keys()
    bleu = record.metrics["test/sacrebleu"]
    assert bleu.count == 30 and "tok:13a" in bleu.unit and bleu.value == pytest.approx(bleu.sum / bleu.count)
    assert "tok:none" in record.metrics["test/tokenised_bleu"].unit
    assert record.parameters["attention_extra"] == 3 * (8 * 9 + 1)  # encoder, decoder and cross
    assert record.data["direction"] == "de-en"  # type: ignore[typeddict-item]
    told = capsys.readouterr().out
    assert told.count("translated ") == told.count("reference ") == 3


def test_the_record_is_what_the_best_checkpoint_translates(pair_job: Job, tmp_path: Path) -> None:
    config = pair_job("model.dropout=0.5", "name=best", "trainer.max_steps=40", "optimizer.learning_rate=1e-2")
    record = run_job(config)
    found = load_translator(tmp_path / "results/checkpoints/best/best.ckpt", setting="checkpoint")
    corpus = build_parallel(config["data"])
    assert found.pipeline == corpus.pipeline
    sentences, references = corpus.sentences("test")
    best = [hypotheses[0].tokens for hypotheses in translate(found.model, sentences, Beam(beam=5))]
    bleu = sacre_bleu([corpus.pipeline.decode(ids) for ids in best], references)
    assert record.metrics["test/sacrebleu"].value == pytest.approx(bleu.value)


CUT = ["name=cut", "attention=dagpam", "model.dropout=0.1", "objective.average=2", "trainer.accumulate=2"]
CUT += ["trainer.max_steps=12", "trainer.validations=4", "trainer.checkpoint_every=1", "optimizer.learning_rate=1e-2"]


@pytest.mark.parametrize("step", [2, 5, 9, 12])
def test_a_run_that_was_cut_ends_as_one_that_was_not(
    pair_job: Job, tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, again = tmp_path / "whole", tmp_path / "again"
    save = Checkpoints.save

    def save_and_copy(self: Checkpoints, trainer: Any, path: Path) -> None:
        save(self, trainer, path)
        if path.name == "last.ckpt" and trainer.global_step == step:
            shutil.copytree(self.folder, again / "checkpoints" / "cut")

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "save", save_and_copy)
        record = run_job(pair_job(*CUT, f"results_dir={whole}"))
    resumed = run_job(pair_job(*CUT, f"results_dir={again}"))
    assert result(resumed) == result(record)
    for file in ("last.ckpt", "best.ckpt"):
        assert state(whole / "checkpoints/cut" / file) == state(again / "checkpoints/cut" / file)
    averages = [load(folder / "checkpoints/cut/average.ckpt")["state_dict"] for folder in (whole, again)]
    assert all(torch.equal(averages[0][key], averages[1][key]) for key in averages[0])


def test_the_averaged_checkpoint_is_the_mean_of_the_last_validations(pair_job: Job, tmp_path: Path) -> None:
    run_job(pair_job("name=mean", "objective.average=3", "trainer.max_steps=10", "trainer.validations=5"))
    folder = tmp_path / "results/checkpoints/mean"
    kept = sorted(folder.glob("weights-*.ckpt"))
    assert [int(path.stem.removeprefix("weights-")) for path in kept] == [6, 8, 10]
    weights = [load(path)["state_dict"] for path in kept]
    mean = load(folder / "average.ckpt")["state_dict"]
    for name, value in mean.items():
        torch.testing.assert_close(value, torch.stack([each[name] for each in weights]).mean(0))
    assert not torch.equal(mean["model.output.weight"], weights[-1]["model.output.weight"])
    assert load_translator(folder / "average.ckpt", setting="checkpoint").data["direction"] == "de-en"


def test_more_checkpoints_to_average_than_validations(pair_job: Job) -> None:
    with pytest.raises(SettingError, match=r"objective\.average=3: expected at most 2"):
        run_job(pair_job("objective.average=3"))


def test_training_ends_when_it_no_longer_helps_and_stays_ended(pair_job: Job, tmp_path: Path) -> None:
    options = ["name=patient", "trainer.max_steps=40", "trainer.validations=20", "optimizer.learning_rate=1e-9"]
    options += ["objective.best_by=bits", "objective.patience=2", "schedule=constant", "schedule.warmup_steps=0"]
    config = pair_job(*options, "model.dropout=0")
    record = run_job(config)
    bits = [row["valid_bits"] for row in record.curve]
    best = bits.index(min(bits))  # type: ignore[type-var]
    assert len(bits) == best + 3 < 20
    (tmp_path / "results/runs/patient.json").unlink()
    again = run_job(config)  # as if killed while it was scored
    assert result(again) == result(record)


def test_the_two_kinds_of_checkpoints_are_told_apart(pair_job: Job, job: Job, tmp_path: Path) -> None:
    run_job(pair_job("name=translates"))
    run_job(job("name=writes"))
    folder = tmp_path / "results/checkpoints"
    with pytest.raises(SettingError, match="expected a language model; this one translates"):
        load_decoder(folder / "translates/best.ckpt", setting="lm.path")
    with pytest.raises(SettingError, match="expected a model that translates; this one is a language model"):
        load_translator(folder / "writes/best.ckpt", setting="checkpoint")


def test_data_of_the_other_kind_is_refused(pair_job: Job, text: Path) -> None:
    with pytest.raises(SettingError, match=r"data=text: expected one of .*ui_strings"):
        run_job(pair_job() | {"data": {"name": "text"}})
