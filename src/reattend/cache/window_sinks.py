"""Window+i: the first i positions of the text and the most recent others (arXiv 2401.06104, section 3.3).

The query of step t sees positions 0 to i - 1 and t - (k - i) to t. The first entries take much of the attention
("sinks", Xiao et al., arXiv 2309.17453); the paper tries i = 1 and 4 and calls Window+4 its best baseline. StreamingLLM
itself counts positions inside the state, which is positions=slots; here, as in the paper, they stay those of the text.
"""

from torch import Tensor

from reattend.cache.base import Prefill, protects
from reattend.cache.by_position import ByPosition


class WindowSinks(ByPosition):
    def __init__(self, *, size: int, first: int = 4, prefill: Prefill = "exact") -> None:
        super().__init__(size=size, prefill=prefill)
        protects("first", first, size)
        self.first = first

    @property
    def unbroken(self) -> bool:
        return self.first == 0

    def sees(self, step: Tensor, position: Tensor) -> Tensor:
        return (position < self.first) | (position >= step - (self.size - self.first))
