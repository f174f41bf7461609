"""Loops over one row of logits, compiled so that the processor takes many numbers at a time."""

from typing import Any

import numpy as np
from numba import njit

# nan may be assumed absent, sums reordered: what vector instructions need. Infinity may not, it means "never".
FAST = {"contract", "reassoc", "nsz", "arcp", "nnan"}
NEVER = 2**62  # later than any position


@njit(fastmath=FAST)
def add(to, row, factor, end):  # type: ignore[no-untyped-def]
    for j in range(end):
        to[j] += factor * row[j]


@njit(fastmath=FAST)
def add_size(to, row, factor, end):  # type: ignore[no-untyped-def]
    for j in range(end):
        to[j] += abs(factor * row[j])


@njit(fastmath=FAST)
def lowest(ranks, live, positions, first, last, end):  # type: ignore[no-untyped-def]
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


def softmax_for(precision: int) -> Any:
    """The loop `softmax` for numbers of that many bytes."""
    number, exp, integer, bits = (
        (_float32, _exp32, np.int32, 32) if precision == 4 else (_float64, _exp64, np.int64, 64)
    )
    return _softmax_of(number, exp, integer(-(2 ** (bits - 1))), integer(bits - 1), integer(2 ** (bits - 1) - 1))
