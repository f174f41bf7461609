"""Timing in turn, the ratios of made-up seconds, and peak memory in a process of its own."""

import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reattend.bench.base import VOCABULARY, training_step
from reattend.bench.measure import Step, alternate, peak_memory, ratios

SECONDS = st.floats(1e-6, 1e3)


def test_steps_take_turns_in_alternating_order_and_warm_up_is_not_counted() -> None:
    order: list[str] = []
    steps = {name: lambda name=name: order.append(name) for name in "ab"}
    seconds = alternate(steps, rounds=3, warmup=1)
    assert "".join(order) == "ab" + "ba" + "ab" + "ba"
    assert {name: len(each) for name, each in seconds.items()} == {"a": 3, "b": 3}


def test_seconds_belong_to_the_step_that_took_them() -> None:
    seconds = alternate({"slow": lambda: time.sleep(0.02), "fast": lambda: None}, rounds=3, warmup=0)
    assert min(seconds["slow"]) >= 0.02 > max(seconds["fast"])


def test_the_clock_is_read_only_after_the_device_has_settled() -> None:
    pending: list[str] = []
    done: list[str] = []

    def settle() -> None:
        if pending:
            time.sleep(0.01)
        done.extend(pending)
        pending.clear()

    seconds = alternate({"step": lambda: pending.append("work")}, rounds=2, warmup=1, settle=settle)
    assert done == ["work"] * 3
    assert min(seconds["step"]) >= 0.01


def test_a_ratio_is_made_round_by_round() -> None:
    # the machine is ten times slower in the second round: each ratio stays, a ratio of means would be 2.9
    found = ratios([3.0, 20.0, 4.0], [2.0, 10.0, 1.0])
    assert (found.low, found.median, found.high) == (1.5, 2.0, 4.0)


def test_rounds_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        ratios([1.0, 2.0], [1.0])


@given(st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=9))
def test_exchanging_the_sides_inverts_the_extremes(pairs: list[tuple[float, float]]) -> None:
    above, below = [list(side) for side in zip(*pairs, strict=True)]
    there, back = ratios(above, below), ratios(below, above)
    assert there.low <= there.median <= there.high
    assert there.low == pytest.approx(1 / back.high) and there.high == pytest.approx(1 / back.low)


def hold(*, megabytes: int, device: torch.device) -> Step:
    kept = torch.ones(megabytes * 2**18, device=device)  # float32

    def step() -> None:
        (kept[: 32 * 2**18] + 1).sum()  # 32 MB for a moment

    return step


def fail(*, device: torch.device) -> Step:
    raise ArithmeticError("on purpose")


def test_peak_memory_is_what_one_side_adds_and_what_its_steps_add_to_that() -> None:
    small, large = (peak_memory(hold, steps=3, device=torch.device("cpu"), megabytes=size) for size in (32, 128))
    assert large.whole - small.whole == pytest.approx(96 * 2**20, rel=0.1)
    assert small.steps == pytest.approx(32 * 2**20, rel=0.2)
    assert large.steps == pytest.approx(32 * 2**20, rel=0.2)


def test_a_measuring_process_that_fails_does_not_hang(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="ended early"):
        peak_memory(fail, steps=1, device=torch.device("cpu"))
    assert "on purpose" in capfd.readouterr().err


def test_a_training_step_learns_its_batch() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Embedding(VOCABULARY, 8), torch.nn.Linear(8, VOCABULARY))
    losses: list[float] = []

    def loss(inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        value = torch.nn.functional.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
        losses.append(value.item())
        return value

    step = training_step(model, loss, batch_size=2, context=4, device=torch.device("cpu"))
    for _ in range(30):
        step()
    assert losses[-1] < losses[0] - 0.1
