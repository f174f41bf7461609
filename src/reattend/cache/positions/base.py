"""What a position of a kept entry is: a rule for the gap between two neighbours.

Entries that leave tear holes into a text. A rotary decoder feels the distance from a query to a key alone, and that is
the sum of the gaps between neighbours that lie between the two: tokens apart in the text, the query's own token being
the last neighbour. So a way to count positions is the method gap(tokens): what a gap of so many tokens counts. It is
applied anew at every step, as a leaving entry makes one gap of two.

    original     gap = tokens: distances are those of the text
    slots        gap = 1: distances are those of the slots of a cache

gap(1) must be 1: neighbours in the text stay neighbours, and where nothing leaves nothing changes.
"""

import copy
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from reattend.settings import SettingError

if TYPE_CHECKING:
    from reattend.cache.base import Policy


class Positions(ABC):
    """A way to count positions; valid for every policy."""

    @abstractmethod
    def under(self, policy: "Policy") -> "Policy":
        """The policy with its entries at these positions."""


class Counted(Positions):
    """Positions that are not those of the text."""

    def __init__(self) -> None:
        self._table = torch.zeros(1, dtype=torch.float64)

    @abstractmethod
    def gap(self, tokens: int) -> float:
        """What a gap of so many tokens counts, as above."""

    def table(self, longest: int) -> Tensor:
        """gap(0) = 0, gap(1), ... to `longest` at least, in float64: each is worked out once for all layers."""
        known = len(self._table)
        if longest >= known:
            more = [float(self.gap(tokens)) for tokens in range(known, max(longest + 1, 2 * known))]
            self._table = torch.cat([self._table, torch.tensor(more, dtype=torch.float64)])
        return self._table

    @property
    def name(self) -> str:
        """As a user spells it."""
        return type(self).__module__.rpartition(".")[2]

    def refusal(self, why: str) -> SettingError:
        """These positions cannot be had of a model."""
        return SettingError(
            "positions", self.name, f"original {why}", "Set positions=original, or choose another model."
        )

    def under(self, policy: "Policy") -> "Policy":
        other = copy.copy(policy)
        other.positions = self
        return other

    def places(self, slots: Tensor) -> Tensor:
        """The positions of entries that have `slots` [..., N] in the text, -1 in empty ones; the first is 0."""
        ordered, order = slots.sort(dim=-1)
        real = ordered[..., :-1] >= 0
        tokens = ordered.diff(dim=-1) * real
        gaps = self.table(int(ordered.max()) + 1).to(slots.device)[tokens]
        counted = torch.cat([gaps.new_zeros(*gaps.shape[:-1], 1), gaps.cumsum(dim=-1)], dim=-1)
        return torch.empty_like(counted).scatter_(-1, order, counted)
