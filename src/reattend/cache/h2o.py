"""H2O: recent entries, and of the others those that got most attention so far (Zhang et al., arXiv 2306.14048).

    acc[h, j] = sum_t p_t[h, j] over the steps since j entered, its own included
    d[h] = argmin_j acc[h, j] over all but the `recent` newest entries, the current one among these

`heavy` entries beside the recent ones; half of the size each unless given. As chosen in arXiv 2401.06104, every head
decides alone. The original runs on multi-head models; with grouped queries a key-value head takes the mean over
its query heads.
"""

from reattend.cache.base import Prefill, RankBy, Scope
from reattend.cache.by_rank import Ranked
from reattend.settings import SettingError, at_least


class H2O(Ranked):
    def __init__(
        self,
        *,
        size: int,
        scope: Scope = "head",
        recent: int | None = None,
        heavy: int | None = None,
        prefill: Prefill = "exact",
        rank_by: RankBy = "absolute",
    ) -> None:
        at_least("policy.size", size, 1)
        if recent is None:
            recent = size // 2 if heavy is None else size - heavy
        if heavy is None:
            heavy = size - recent
        if recent < 0 or heavy < 0 or recent + heavy != size:
            both = f"{recent}+{heavy}={recent + heavy}"
            expected = f"two numbers that add up to policy.size={size}"
            raise SettingError("policy.recent+policy.heavy", both, expected, "Set one of them to null.")
        super().__init__(size=size, scope=scope, recent=recent, prefill=prefill, rank_by=rank_by)

    @staticmethod
    def rank(previous: float, weight: float, position: int, step: int, lane: int) -> float:
        return previous + weight
