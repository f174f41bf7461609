"""The one sequential part of the engine, compiled for the CPU: which entries are alive at which step.

    logits [B, R, H, C, N] -> weights, in place: row t of C is a softmax over the entries alive at step t

of R branches and H heads, for C new tokens and N - C slots before them; scan_plain.py does the same in plain PyTorch
and is what this is tested against. Compiled code is kept on disk beside this file, one version a rule and precision.
"""

import hashlib
import inspect
import types
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from reattend.cache.by_rank import Ranked

# nan may be assumed absent, sums reordered: what vector instructions need. Infinity may not, it means "never".
FAST = {"contract", "reassoc", "nsz", "arcp", "nnan"}
NEVER = 2**62  # later than any position


def scan(
    policy: Ranked,
    logits: Tensor,
    mix: Tensor,
    positions: Tensor,
    ranks: Tensor,
    *,
    real: Tensor,
    steps: Tensor,
    size: int,
    lane: int,
) -> Tensor:
    """Turn `logits` into weights and `ranks` [B, L, N] into those after the last row; who is still alive [B, L, N].

    positions [B, L, N] (-1 in empty slots), L = 1 or one a key-value head; real [B, C] and steps [B, C], the positions
    of the new tokens; mix [R, H], what each branch counts in the weight that ranks; lane numbers the first of the L.
    """
    alive = np.zeros(positions.shape, dtype=np.bool_)
    work = ranks.contiguous()
    width = np.int32 if logits.element_size() == 4 else np.int64
    values = logits.numpy()
    _compiled(policy.rank, logits.element_size())(
        values,
        values.view(width),
        mix.to(logits.dtype).numpy(),
        positions.contiguous().numpy(),
        work.numpy(),
        alive,
        real.numpy(),
        steps.numpy(),
        size,
        policy.first,
        policy.recent,
        lane,
        policy.options,
    )
    ranks.copy_(work)
    return torch.from_numpy(alive)


# `rank`, `softmax`, `add`, `add_size` and `lowest` are what `_compiled` gives it
# ruff: noqa: F821
# mypy: disable-error-code=name-defined
def _rows(logits, bits, mix, positions, ranks, alive, real, steps, size, first, recent, lane, options):  # type: ignore[no-untyped-def]
    B, R, H, C, N = logits.shape
    L = positions.shape[1]
    heads = H // L  # that share a set of entries
    live = np.zeros((L, N), dtype=logits.dtype)  # 1 or 0, so that it multiplies
    weight = np.zeros((L, N), dtype=logits.dtype)
    signed = np.zeros(N, dtype=logits.dtype)
    counts = np.zeros(L, dtype=np.int64)
    for b in range(B):
        for l in range(L):  # noqa: E741
            live[l] = positions[b, l] >= 0
            live[l, N - C :] = 0
            counts[l] = int(live[l].sum())
        for t in range(C):
            end = N - C + t + 1
            if not real[b, t]:
                logits[b, :, :, t] = 0
                continue
            weight[:] = 0
            for l in range(L):  # noqa: E741
                live[l, end - 1] = 1
                counts[l] += 1
            for h in range(H):
                among = live[h // heads]
                if R == 1:
                    softmax(logits[b, 0, h, t], bits[b, 0, h, t], among, end)
                    add_size(weight[h // heads], logits[b, 0, h, t], mix[0, h], end)
                else:
                    signed[:end] = 0
                    for r in range(R):
                        softmax(logits[b, r, h, t], bits[b, r, h, t], among, end)
                        add(signed, logits[b, r, h, t], mix[r, h], end)
                    add_size(weight[h // heads], signed, 1, end)
            for l in range(L):  # noqa: E741
                for j in range(end):
                    mean = weight[l, j] / heads
                    ranks[b, l, j] = rank(ranks[b, l, j], mean, positions[b, l, j], steps[b, t], lane + l, *options)
                if counts[l] > size:
                    last = steps[b, t] - recent
                    live[l, lowest(ranks[b, l], live[l], positions[b, l], first, last, end)] = 0
                    counts[l] -= 1
        for l in range(L):  # noqa: E741
            for j in range(N):
                alive[b, l, j] = live[l, j] > 0


@njit(fastmath=FAST)
def _add(to, row, factor, end):  # type: ignore[no-untyped-def]
    for j in range(end):
        to[j] += factor * row[j]


@njit(fastmath=FAST)
def _add_size(to, row, factor, end):  # type: ignore[no-untyped-def]
    for j in range(end):
        to[j] += abs(factor * row[j])


@njit(fastmath=FAST)
def _lowest(ranks, live, positions, first, last, end):  # type: ignore[no-untyped-def]
    """The entry that leaves: of the lowest rank, the lowest position. In loops without branches, for speed."""
    worst = np.inf
    for j in range(end):
        free = (live[j] > 0) & (positions[j] >= first) & (positions[j] <= last)
        rank = ranks[j] if free else np.inf
        worst = rank if rank < worst else worst
    position = np.int64(NEVER)
    for j in range(end):
        free = (live[j] > 0) & (positions[j] >= first) & (positions[j] <= last) & (ranks[j] <= worst)
        here = positions[j] if free else np.int64(NEVER)
        position = here if here < position else position
    for j in range(end):
        if live[j] > 0 and positions[j] == position:
            return j
    raise ValueError("no entry may leave: are there weights that are not a number?")


def _softmax_of(bits: Any, exp: Any, lowest: Any, shift: Any, magnitude: Any) -> Any:
    """Softmax of a row in place, over what is alive. `bits` are the same numbers as integers.

    Integers that order as the floats do, since compilers find the largest of integers many at a time, of floats not.
    """

    @njit(fastmath=FAST)
    def softmax(row, as_bits, live, end):  # type: ignore[no-untyped-def]
        top = lowest
        for j in range(end):
            ordered = as_bits[j] ^ ((as_bits[j] >> shift) & magnitude)
            ordered = ordered if live[j] > 0 else lowest
            top = max(top, ordered)
        highest = bits(top ^ ((top >> shift) & magnitude))
        total = row.dtype.type(0)
        for j in range(end):
            row[j] = exp(row[j] - highest) * live[j]
            total += row[j]
        for j in range(end):
            row[j] /= total
        row[end:] = 0

    return softmax


@njit(fastmath=FAST)
def _exp32(x):  # type: ignore[no-untyped-def]
    """e^x for x <= 0 within 2 units of the last place: 2^n e^r with |r| <= ln(2) / 2 (polynomial of Cephes' expf).

    The library's is right as well, but takes numbers one by one. Entries that have left may be above 0: these must
    stay finite, since they are multiplied by 0.
    """
    x = min(max(x, np.float32(-87.0)), np.float32(0.0))
    n = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    r = x - n * np.float32(0.693359375) + n * np.float32(2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * r * r + r + np.float32(1.0)
    return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


@njit
def _exp64(x):  # type: ignore[no-untyped-def]
    return np.exp(min(x, 0.0))


@njit
def _float32(bits):  # type: ignore[no-untyped-def]
    return np.int32(bits).view(np.float32)


@njit
def _float64(bits):  # type: ignore[no-untyped-def]
    return np.int64(bits).view(np.float64)


@cache
def _compiled(rule: Callable[..., float], precision: int) -> Any:
    """`_rows` around a rule, for numbers of that many bytes."""
    number, exp, integer, bits = (
        (_float32, _exp32, np.int32, 32) if precision == 4 else (_float64, _exp64, np.int64, 64)
    )
    low, shift, magnitude = integer(-(2 ** (bits - 1))), integer(bits - 1), integer(2 ** (bits - 1) - 1)
    names = {
        "np": np,
        "rank": njit(rule, error_model="numpy"),  # a division by zero is infinite, not an error
        "softmax": _softmax_of(number, exp, low, shift, magnitude),
        "add": _add,
        "add_size": _add_size,
        "lowest": _lowest,
    }
    # The name tells versions on disk apart. Numba's own check sees changes of this file only, not of a rule's.
    try:
        source = hashlib.sha256(Path(inspect.getfile(rule)).read_bytes()).hexdigest()[:16]
    except (OSError, TypeError):  # typed in at a prompt
        source = None
    rows = types.FunctionType(_rows.__code__, names, f"{_rows.__name__}_{rule.__qualname__}_{precision}_{source}")
    rows.__qualname__ = rows.__name__
    rows.__module__ = __name__
    return njit(rows, nogil=True, fastmath=FAST, error_model="numpy", cache=source is not None)
