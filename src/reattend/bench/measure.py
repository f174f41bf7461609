"""Measuring so that a busy machine does not decide the result.

Two steps are timed in turn in one process, so that whatever slows the machine slows both; each round gives one
ratio, and the median of these is the answer. Peak memory needs no repetition, but a process of its own: an
allocator keeps what an earlier model freed, and the second model would be measured inside the first one's space.
"""

import ctypes
import mmap
import multiprocessing
import statistics
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import torch

from reattend.records import PeakMemory

Step = Callable[[], object]
Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Spread:
    """The ratios of all rounds, lowest, median and highest."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f}  (lowest {self.low:.3f}, highest {self.high:.3f})"


def alternate(
    steps: Mapping[Name, Step], *, rounds: int, warmup: int, settle: Step = lambda: None
) -> dict[Name, list[float]]:
    """Seconds of each step in each of `rounds` rounds, after `warmup` rounds that are not counted.

    Every other round runs in the opposite order, so that no step always follows the same one. `settle` is called
    before each look at the clock.
    """
    seconds: dict[Name, list[float]] = {name: [] for name in steps}
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


class Peak(NamedTuple):
    """Bytes, counted from two moments; never less than a page, below which nothing is told apart."""

    whole: int  # the model and its steps: on a CPU the resident set above that of the libraries, on a GPU the tensors
    steps: int  # what the steps add to a model that is there


def peak_memory(prepare: Callable[..., Step], *, steps: int, device: torch.device, **options: Any) -> Peak:
    """The peak of `steps` steps of `prepare(device=device, **options)`, run in a fresh process."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_report_peak, args=(sender, prepare, steps, device, options), daemon=True)
    child.start()
    sender.close()  # else a child that dies leaves the parent waiting
    try:
        peak: Peak = receiver.recv()
    except EOFError:
        raise RuntimeError("the process that measures peak memory ended early; see its message above") from None
    finally:
        child.join()
    return peak


def _report_peak(sender: Any, prepare: Callable[..., Step], steps: int, device: torch.device, options: Any) -> None:
    _return_what_is_freed()
    meter = _Meter(device)
    empty = meter.restart()
    step = prepare(device=device, **options)
    highest = meter.read()
    prepared = meter.restart()
    for _ in range(steps):
        step()
    peak = meter.read()
    sender.send(Peak(*(max(mmap.PAGESIZE, n) for n in (max(highest, peak) - empty, peak - prepared))))


class _Meter:
    """The peak since its last start, in bytes: of the tensors on a GPU, else of the resident set."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.resident = PeakMemory()
        if device.type == "cuda":
            torch.cuda.init()

    def restart(self) -> int:
        """Forget the peak so far; what is held now."""
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        self.resident.reset()
        return self.read()

    def read(self) -> int:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device)
        return self.resident.read()["peak_bytes"]


def _return_what_is_freed() -> None:
    """Let each tensor be a mapping of its own, which leaves the resident set with it.

    Otherwise the C library keeps some of what is freed, for later use, and a peak depends on what was freed earlier.
    """
    library, threshold = ctypes.CDLL(None), -3  # M_MMAP_THRESHOLD of malloc.h
    if hasattr(library, "mallopt"):  # glibc
        library.mallopt(threshold, 2**16)
