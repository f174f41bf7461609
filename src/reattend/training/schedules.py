"""Learning-rate schedules: each returns step -> factor of the peak rate. All start with a linear warm-up."""

import math
from collections.abc import Callable

from reattend.settings import at_least, within

Schedule = Callable[[int], float]


def _warm(step: int, warmup_steps: int) -> float:
    return min(1.0, (step + 1) / warmup_steps) if warmup_steps else 1.0


def constant(*, warmup_steps: int, max_steps: int) -> Schedule:
    """The peak rate after the warm-up."""
    at_least("schedule.warmup_steps", warmup_steps, 0)
    return lambda step: _warm(step, warmup_steps)


def cosine(*, warmup_steps: int, final_fraction: float, max_steps: int) -> Schedule:
    """Half a cosine from the peak to `final_fraction` of it at `max_steps` (Loshchilov & Hutter, 1608.03983)."""
    at_least("schedule.warmup_steps", warmup_steps, 0)
    within("schedule.final_fraction", final_fraction, 0.0, 1.0)

    def factor(step: int) -> float:
        done = min(1.0, step / max_steps)
        return _warm(step, warmup_steps) * (final_fraction + (1 - final_fraction) * (1 + math.cos(math.pi * done)) / 2)

    return factor


def inverse_sqrt(*, warmup_steps: int, max_steps: int) -> Schedule:
    """sqrt(warmup_steps / step) after the warm-up (Vaswani et al., 1706.03762, sec. 5.3)."""
    at_least("schedule.warmup_steps", warmup_steps, 1)
    return lambda step: min(_warm(step, warmup_steps), (warmup_steps / (step + 1)) ** 0.5)
