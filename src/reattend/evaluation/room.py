"""What a GPU has no room for at once is done in smaller pieces."""

import sys
from collections.abc import Callable
from typing import TypeVar

import torch

from reattend.settings import SettingError

T = TypeVar("T")


def halved(setting: str, size: int, work: Callable[[int], T], *, expected: str, fix: str) -> tuple[T, int]:
    """What `work(size)` returns, of half the size as often as need be, and the size that there was room for."""
    while True:
        try:
            return work(size), size
        except torch.OutOfMemoryError as error:
            if size == 1:
                raise SettingError(setting, 1, expected, fix) from error
        size //= 2
        torch.cuda.empty_cache()  # here, not above: the error holds what was in memory
        print(f"Out of memory on the GPU: going on with {setting}={size}", file=sys.stderr)
