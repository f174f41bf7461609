"""Truncate: the text is cut into pieces of k tokens that do not see each other (the "baseline" of arXiv 2401.06104).

The query of step t sees positions t - t mod k to t. As the state is emptied every k tokens, the mean number of entries
attended is half that of the other policies.
"""

from torch import Tensor

from reattend.cache.base import Policy
from reattend.cache.by_position import ByPosition
from reattend.cache.full import Full


class Truncate(ByPosition):
    def __init__(self, *, size: int) -> None:
        super().__init__(size=size)

    def sees(self, step: Tensor, position: Tensor) -> Tensor:
        return position >= step - step % self.size

    @property
    def unbroken(self) -> bool:
        return True

    @property
    def lossless(self) -> int:
        return self.size  # the next token sees itself alone

    def for_prompts(self) -> tuple[Policy, int]:
        """The paper's baseline on tasks: an example cut to k tokens, its prompt included, of which all is seen."""
        return Full(), self.size
