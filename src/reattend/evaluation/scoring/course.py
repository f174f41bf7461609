"""How a long chunk of text went: what its tokens cost, thousand by thousand."""

import time
from typing import TypedDict

from reattend.records.record import Part

EVERY = 1024  # tokens
LONG = 8  # times as many tokens make a chunk's course worth keeping


class Pace(TypedDict):
    """A part's course. The last of its sums may be of fewer tokens than `every`."""

    every: int
    nats: list[float]  # summed -ln p of each so many tokens
    seconds: list[float]  # that reading them took


class LongPart(Part):
    """A finished chunk that was long."""

    course: Pace


class Course:
    """Sums of -ln p, cut at every so many tokens, however many are read at once."""

    def __init__(self) -> None:
        self.nats, self.seconds, self.tokens = [0.0], [0.0], 0
        self._clock = time.perf_counter()

    @property
    def room(self) -> int:
        """Tokens that may be added before the next cut."""
        return EVERY - self.tokens % EVERY

    def add(self, nats: float, tokens: int) -> None:
        """Of at most `room` tokens."""
        now = time.perf_counter()
        if self.tokens and self.room == EVERY:
            self.nats.append(0.0)
            self.seconds.append(0.0)
        self.nats[-1] += nats
        self.seconds[-1] += now - self._clock
        self.tokens, self._clock = self.tokens + tokens, now

    def told_by(self, part: Part) -> Part:
        """What a record keeps of the chunk."""
        if self.tokens <= LONG * EVERY:
            return part
        return LongPart(**part, course={"every": EVERY, "nats": self.nats, "seconds": self.seconds})
