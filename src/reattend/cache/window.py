"""Window: the most recent entries, first in, first out (arXiv 2401.06104, section 3.3).

The query of step t sees positions t - k to t: k kept entries and itself.
"""

from torch import Tensor

from reattend.cache.by_position import ByPosition


class Window(ByPosition):
    def sees(self, step: Tensor, position: Tensor) -> Tensor:
        return position >= step - self.size

    @property
    def unbroken(self) -> bool:
        return True
