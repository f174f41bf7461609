"""Random: any entry may leave, each as likely; the control that a policy has to beat.

Each step draws a number for every entry from (draw, layer and head, step, position) alone, so that a text reads the
same in any pieces. `first` and `recent` entries can be protected as in the other policies.
"""

from reattend.cache.base import Prefill, Scope
from reattend.cache.by_rank import Ranked
from reattend.settings import within

PRIME = 2_147_483_647  # 2**31 - 1: squares of what is below fit into 64 bits


class Random(Ranked):
    def __init__(
        self,
        *,
        size: int,
        scope: Scope = "layer",
        first: int = 0,
        recent: int = 0,
        draw: int = 0,
        prefill: Prefill = "exact",
    ) -> None:
        super().__init__(size=size, scope=scope, first=first, recent=recent, prefill=prefill)
        within("policy.draw", draw, 0, 2**31)
        self.draw = draw

    @property
    def options(self) -> tuple[float, ...]:
        return (self.draw,)

    @staticmethod
    def rank(previous: float, weight: float, position: int, step: int, lane: int, draw: int) -> float:
        mixed = (position * 1_103_515_245 + step * 69_069 + lane * 40_503 + draw * 16_807 + 12_345) % PRIME
        mixed = (mixed * mixed + position) % PRIME
        mixed = (mixed * 48_271 + step) % PRIME
        return (mixed * mixed + lane) % PRIME
