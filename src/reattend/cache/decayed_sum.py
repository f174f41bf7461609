"""Between TOVA and H2O: attention summed over the past, each step counting `decay` times the one after it.

    acc_t[j] = decay * acc_(t-1)[j] + p_t[j]

decay 0 ranks by the current query alone, as TOVA; decay 1 by the whole past, as H2O. A newcomer has no past: unless
decay is small it would leave at once, so `recent` entries are protected, half of the size unless given. With recent=0
and decay=0 this is TOVA, with scope=head and decay=1 H2O.
"""

from reattend.cache.base import Prefill, RankBy, Scope
from reattend.cache.by_rank import Ranked
from reattend.settings import SettingError, at_least


class DecayedSum(Ranked):
    def __init__(
        self,
        *,
        size: int,
        decay: float,
        scope: Scope = "layer",
        first: int = 0,
        recent: int | None = None,
        prefill: Prefill = "exact",
        rank_by: RankBy = "absolute",
    ) -> None:
        at_least("policy.size", size, 1)
        newest = size // 2 if recent is None else recent
        super().__init__(size=size, scope=scope, first=first, recent=newest, prefill=prefill, rank_by=rank_by)
        if not 0 <= decay <= 1:
            raise SettingError("policy.decay", decay, "from 0 (TOVA) to 1 (H2O)", "Set policy.decay within that range.")
        self.decay = decay

    @property
    def options(self) -> tuple[float, ...]:
        return (self.decay,)

    @staticmethod
    def rank(previous: float, weight: float, position: int, step: int, lane: int, decay: float) -> float:
        return decay * previous + weight
