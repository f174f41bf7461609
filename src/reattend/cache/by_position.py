"""Policies that need positions alone: `sees(step, position)` is whether the query of that step may look there."""

from abc import abstractmethod

from torch import Tensor

from reattend.cache.base import Bounded, Branches, LayerState, Mechanism
from reattend.cache.engine import BoundedLayer


class ByPosition(Bounded):
    """One set of entries a layer, the same in all."""

    @abstractmethod
    def sees(self, step: Tensor, position: Tensor) -> Tensor:
        """Whether the query of `step` may look at `position` <= step; both broadcast. What it drops stays dropped."""

    def layer_state(self, index: int) -> LayerState:
        return PositionLayer(self)


class PositionLayer(BoundedLayer[ByPosition]):
    """Attends by any mechanism's own fused path, under a mask."""

    def lanes(self, key_heads: int) -> int:
        return 1

    def read(
        self, mechanism: Mechanism, queries: Branches, keys: Branches, v: Tensor, steps: Tensor, *, size: int
    ) -> tuple[Tensor, Tensor]:
        slots = self.slots[..., : v.shape[2]]  # [B, 1, N]
        rows = steps[:, None, :, None]  # [B, 1, C, 1]
        mask = (slots[:, :, None] >= 0) & (slots[:, :, None] <= rows)  # [B, 1, C, N]
        alive = slots >= 0
        if size == self.policy.size:
            mask &= self.policy.sees(rows, slots[:, :, None])
            alive &= self.policy.sees(self.seen[:, None, None], slots)
        mask |= rows < 0  # the output of padding means nothing, but must be a number
        return mechanism(queries, keys, v, causal=False, mask=mask), alive

    def best(self, slots: Tensor) -> Tensor:
        return (slots >= 0) & self.policy.sees(self.seen[:, None, None], slots)
