"""Learning-rate schedules against points worked out by hand, and which parameters decay."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from composed import load
from hypothesis import given
from hypothesis import strategies as st
from tiny import decoder, options
from torch import nn

from reattend.settings import SettingError, call_by_name
from reattend.training import schedules
from reattend.training.job import run_job
from reattend.training.optimizers import adamw

ADAMW = {key: value for key, value in options("optimizer")["adamw"].items() if key != "name"}


def schedule(name: str, *, max_steps: int = 100, **values: Any) -> Callable[[int], float]:
    return call_by_name(schedules, {"name": name, **values}, group="schedule", max_steps=max_steps)


@pytest.mark.parametrize(
    ("name", "values", "points"),
    [
        ("constant", {"warmup_steps": 4}, {0: 0.25, 1: 0.5, 3: 1.0, 4: 1.0, 99: 1.0}),
        ("constant", {"warmup_steps": 0}, {0: 1.0, 99: 1.0}),
        # half a cosine from 1 to 0.2 over 100 steps: 0.6 + 0.4 cos(pi s / 100)
        ("cosine", {"warmup_steps": 0, "final_fraction": 0.2}, {0: 1.0, 25: 0.882843, 50: 0.6, 75: 0.317157, 100: 0.2}),
        ("cosine", {"warmup_steps": 0, "final_fraction": 0.0}, {50: 0.5, 100: 0.0, 150: 0.0}),
        ("cosine", {"warmup_steps": 50, "final_fraction": 0.0}, {0: 0.02, 24: 0.5 * 0.864484, 49: 0.515705}),
        ("inverse_sqrt", {"warmup_steps": 4}, {0: 0.25, 1: 0.5, 3: 1.0, 15: 0.5, 63: 0.25}),
    ],
)
def test_points_worked_out_by_hand(name: str, values: dict[str, Any], points: dict[int, float]) -> None:
    factor = schedule(name, **values)
    assert {step: factor(step) for step in points} == pytest.approx(points, abs=1e-6)


@given(warmup=st.integers(1, 60), max_steps=st.integers(60, 300), step=st.integers(0, 400))
@pytest.mark.parametrize("name", options("schedule"))
def test_rises_to_the_peak_and_never_above(name: str, warmup: int, max_steps: int, step: int) -> None:
    values = options("schedule")[name] | {"warmup_steps": warmup}
    factor = schedule(max_steps=max_steps, **values)
    assert 0 < factor(step) <= 1
    if step < warmup - 1 and name != "cosine":
        assert factor(step) < factor(step + 1)


@pytest.mark.parametrize(
    ("name", "values", "setting"),
    [
        ("constant", {"warmup_steps": -1}, "schedule.warmup_steps"),
        ("inverse_sqrt", {"warmup_steps": 0}, "schedule.warmup_steps"),
        ("cosine", {"warmup_steps": 1, "final_fraction": 1.0}, "schedule.final_fraction"),
        ("cosine", {"warmup_steps": 1.5, "final_fraction": 0.1}, "schedule.warmup_steps"),
        ("linear", {}, "schedule"),
    ],
)
def test_bad_values_are_refused(name: str, values: dict[str, Any], setting: str) -> None:
    with pytest.raises(SettingError) as refused:
        schedule(name, **values)
    assert refused.value.setting == setting


def test_the_rate_moves_once_a_step_whatever_is_accumulated(job: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    settings = ["schedule=constant", "schedule.warmup_steps=12", "optimizer.learning_rate=0.012"]
    run_job(job(*settings, "trainer.accumulate=2", "name=rate"))
    checkpoint = load(tmp_path / "results" / "checkpoints" / "rate" / "last.ckpt")
    (scheduler,), (optimizer,) = checkpoint["lr_schedulers"], checkpoint["optimizer_states"]
    assert scheduler["last_epoch"] == 6
    assert [group["lr"] for group in optimizer["param_groups"]] == pytest.approx([0.007, 0.007])  # of the next step


@pytest.mark.parametrize("tied", [True, False])
def test_matrices_decay_and_nothing_else(attention: dict[str, Any], tied: bool) -> None:
    model = decoder(attention, positions="learned", tied_embeddings=tied)
    optimizer = adamw(parameters=model.named_parameters(), **ADAMW)
    names = {parameter: name for name, parameter in model.named_parameters()}
    decay = {names[p]: group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert decay.keys() == set(names.values())
    kept = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.LayerNorm)}
    for name, weight_decay in decay.items():
        assert weight_decay == (0.1 if name.endswith("weight") and name not in kept else 0.0), name
    assert any("raw_positive" in name for name in decay) == (attention["name"] in ("dagpam", "added"))


def test_fixed_lambdas_are_left_out() -> None:
    model = decoder(options("attention")["dagpam"] | {"lambda_trainable": False})
    optimizer = adamw(parameters=model.named_parameters(), **ADAMW)
    trained = sum(p.numel() for group in optimizer.param_groups for p in group["params"])
    assert trained == sum(p.numel() for p in model.parameters()) - len(model.blocks)


def test_adamw_gets_its_options() -> None:
    weight = nn.Parameter(nn.init.constant_(nn.Linear(1, 1, bias=False).weight.detach(), 2.0))
    values = {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.75, "epsilon": 0.25, "weight_decay": 0.5}
    optimizer = adamw(parameters=[("x.weight", weight)], **values)
    for gradient in (1.0, 3.0):
        (weight * gradient).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    # by hand: w <- w (1 - lr decay) - lr m^ / (sqrt(v^) + epsilon)
    first = 2.0 * 0.95 - 0.1 * 1 / (1 + 0.25)
    m, v = (0.5 * 0.5 + 0.5 * 3) / 0.75, (0.75 * 0.25 + 0.25 * 9) / (1 - 0.75**2)
    assert weight.item() == pytest.approx(first * 0.95 - 0.1 * m / (math.sqrt(v) + 0.25), rel=1e-5)


@pytest.mark.parametrize(
    ("key", "value"), [("learning_rate", -1.0), ("beta1", 1.0), ("beta2", -0.1), ("weight_decay", -1.0)]
)
def test_bad_optimiser_values_are_refused(key: str, value: float) -> None:
    with pytest.raises(SettingError) as refused:
        adamw(parameters=[("x.weight", nn.Parameter(nn.Linear(1, 1).weight))], **(ADAMW | {key: value}))
    assert refused.value.setting == f"optimizer.{key}"
