"""What a decoder remembers of the tokens it has read: its key-value state, and the policy that bounds it.

Seen as a recurrent network (Oren et al., Transformers are Multi-State RNNs, arXiv 2401.06104), a decoder's state is
the keys and values of every layer. A policy says what that state keeps.
"""

from abc import ABC, abstractmethod

from torch import Tensor

Branches = tuple[Tensor, ...]


class LayerState(ABC):
    """One layer's keys (one tensor a branch) and values, [B, H, S, D]."""

    @abstractmethod
    def update(self, keys: Branches, v: Tensor) -> tuple[Branches, Tensor]:
        """Take in the keys and values of new tokens; return those their queries may look at."""


class State:
    """The state of a whole decoder; `seen` counts the tokens read and is the position of the next one."""

    def __init__(self, layers: list[LayerState]) -> None:
        self.layers, self.seen = layers, 0


class Policy(ABC):
    """A rule for what the state keeps."""

    @abstractmethod
    def layer_state(self) -> LayerState:
        """The empty state of one layer."""

    def state(self, *, layers: int) -> State:
        """The empty state of a decoder of that many layers."""
        return State([self.layer_state() for _ in range(layers)])
