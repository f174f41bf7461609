"""control=equal_time: as many steps as fit another mechanism's time, measured once; the schedule ends with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from composed import command, compose, load, state
from moments import at_batch

from reattend.records import read_record
from reattend.settings import SettingError
from reattend.training import pace
from reattend.training.budget import budget
from reattend.training.job import run_job

Job = Callable[..., dict[str, Any]]
EQUAL = ("attention=dagpam", "control=equal_time")


def test_the_ratio_is_of_steps_in_turn_while_the_machine_becomes_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    now, order = 0.0, []
    monkeypatch.setattr(pace.time, "perf_counter", lambda: now)

    def step(name: str, seconds: float) -> Callable[[int], None]:
        def run(turn: int) -> None:
            nonlocal now
            order.append(name)
            now += seconds * 1.5**turn * (100 if turn < pace.WARMUP or (turn == 4 and name == "ours") else 1)

        return run

    assert pace._ratio(step("ours", 3.0), step("theirs", 2.0), rounds=9) == pytest.approx(1.5)
    assert order[:4] == ["ours", "theirs", "theirs", "ours"] and len(order) == 18


def test_a_run_of_half_the_steps_is_the_run_with_that_many(job: Job, tmp_path: Path) -> None:
    paced = run_job(job(*EQUAL, "control.slowdown=2"))
    plain = run_job(job("attention=dagpam", "trainer.max_steps=3"))
    assert paced.config["trainer"]["max_steps"] == 6 and paced.curve[-1]["step"] == 3
    assert paced.metrics == plain.metrics and paced.curve == plain.curve
    one, other = (tmp_path / "results/checkpoints" / record.name / "last.ckpt" for record in (paced, plain))
    assert state(one) == state(other)


def test_what_was_measured_stays_when_a_run_goes_on(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(model: Any, loss: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pace, "_ratio", lambda *steps, rounds: 1.5)
        at_batch(patch, 3, stop)
        command("train", *small, *EQUAL, "trainer.checkpoint_every=1")
    (folder,) = (tmp_path / "results" / "checkpoints").iterdir()
    assert load(folder / "last.ckpt")["global_step"] == 2
    assert "control=equal_time: 4 steps instead of 6" in capsys.readouterr().out
    monkeypatch.setattr(pace, "_ratio", lambda *steps, rounds: pytest.fail("measured again"))
    assert command("train", *small, *EQUAL, "trainer.checkpoint_every=1") == 0
    assert read_record(tmp_path / "results" / "runs" / f"{folder.name}.json").curve[-1]["step"] == 4


def test_the_same_mechanism_takes_the_same_time(job: Job) -> None:
    assert run_job(job("control=equal_time")).curve[-1]["step"] == 6


def test_translation_is_paced_too(
    small_pairs: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "ROUNDS", 3)
    record = run_job(compose("train", *small_pairs, *EQUAL))
    slower = record.config["trainer"]["max_steps"] / record.curve[-1]["step"]
    assert 0.5 < slower < 6  # really measured, hence no number of its own


def test_a_plan_goes_by_flops_and_trains_nothing(job: Job) -> None:
    plain, paced = budget(job("attention=dagpam")), budget(job(*EQUAL, "trainer.max_steps=600"))
    softmax = budget(job())
    assert paced.steps == round(600 * softmax.cost.flops / plain.cost.flops) < 600


@pytest.mark.parametrize("value", ["0", "-1.5"])
def test_a_slowdown_is_positive(job: Job, value: str) -> None:
    with pytest.raises(SettingError, match=r"control\.slowdown=.*: expected a positive number"):
        run_job(job(*EQUAL, f"control.slowdown={value}"))
