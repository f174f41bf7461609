"""Measuring so that a busy machine does not decide the result.

Two steps are timed in turn in one process, so that whatever slows the machine slows both; each round gives one
ratio, and the median of these is the answer. Peak memory needs no repetition, but a process of its own: an
allocator keeps what an earlier model freed, and the second model would be measured inside the first one's space.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from reattend.records import PeakMemory

Step = Callable[[], None]


@dataclass(frozen=True)
class Spread:
    """The ratios of all rounds, lowest, median and highest."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f}  (lowest {self.low:.3f}, highest {self.high:.3f})"


def alternate(
    steps: Mapping[str, Step], *, rounds: int, warmup: int, settle: Step = lambda: None
) -> dict[str, list[float]]:
    """Seconds of each step in each of `rounds` rounds, after `warmup` rounds that are not counted.

    Every other round runs in the opposite order, so that no step always follows the same one. `settle` is called
    before each look at the clock.
    """
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(warmup + rounds):
        for name in list(steps)[:: 1 if turn % 2 == 0 else -1]:
            settle()
            start = time.perf_counter()
            steps[name]()
            settle()
            if turn >= warmup:
                seconds[name].append(time.perf_counter() - start)
    return seconds


def ratios(numerator: Sequence[float], denominator: Sequence[float]) -> Spread:
    """Round by round, numerator over denominator."""
    each = [above / below for above, below in zip(numerator, denominator, strict=True)]
    return Spread(low=min(each), median=statistics.median(each), high=max(each))


def peak_memory(prepare: Callable[..., Step], *, steps: int, device: torch.device, **options: Any) -> int:
    """Bytes at the peak of `steps` steps of `prepare(device=device, **options)`, run in a fresh process.

    Counted is what the model and its steps add: on a GPU the tensors, on a CPU the resident set above what the
    process held when its libraries were loaded.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_report_peak, args=(sender, prepare, steps, device, options), daemon=True)
    child.start()
    sender.close()  # else a child that dies leaves the parent waiting
    try:
        peak: int = receiver.recv()
    except EOFError:
        raise RuntimeError("the process that measures peak memory ended early; see its message above") from None
    finally:
        child.join()
    return peak


def _report_peak(sender: Any, prepare: Callable[..., Step], steps: int, device: torch.device, options: Any) -> None:
    meter = PeakMemory()
    meter.reset()
    before = meter.read()["peak_bytes"]
    step = prepare(device=device, **options)
    for _ in range(steps):
        step()
    if device.type == "cuda":
        sender.send(torch.cuda.max_memory_allocated(device))
    else:
        sender.send(meter.read()["peak_bytes"] - before)
