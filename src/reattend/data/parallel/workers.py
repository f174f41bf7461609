"""One function over many lines, in as many processes as the machine has cores, with progress."""

import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tqdm import tqdm

FEW = 50_000  # lines that are done before other processes have started
CHUNK = 5_000


def each_line(function: Callable[[str], str], lines: list[str], *, label: str) -> list[str]:
    """`function` of every line, in their order; `label` says on the bar what is done."""
    chunks = [lines[i : i + CHUNK] for i in range(0, len(lines), CHUNK)]
    done: list[str] = []
    with tqdm(total=len(lines), desc=label, unit="line", unit_scale=True, disable=None, leave=False) as bar:

        def take(results: list[str]) -> None:
            done.extend(results)
            bar.update(len(results))

        if len(lines) <= FEW:
            for chunk in chunks:
                take(_apply(function, chunk))
        else:  # spawned, not forked: a fork copies locks that torch's threads may hold
            with ProcessPoolExecutor(_cores(), mp_context=multiprocessing.get_context("spawn")) as pool:
                for results in pool.map(partial(_apply, function), chunks):
                    take(results)
    return done


def _apply(function: Callable[[str], str], chunk: list[str]) -> list[str]:
    return [function(line) for line in chunk]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
