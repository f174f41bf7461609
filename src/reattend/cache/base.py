"""What a decoder remembers of the tokens it has read: its key-value state, and the policy that bounds it.

Seen as a recurrent network (Oren et al., Transformers are Multi-State RNNs, arXiv 2401.06104), a decoder's state is
the keys and values of every layer, and a policy keeps at most `size` entries (k in the paper) of each. At step t
the query of token t attends to what is kept and to itself, k + 1 entries at most; then one entry leaves.

A policy says which, in one of two ways:

* from the positions alone: whether the query of a step `sees` a position (by_position.py);
* by attention: after a query has attended, every entry gets a `rank`, and of those not protected the lowest leaves
  (by_rank.py).

Positions are those of the text and never change. Which entries leave depends on a layer's own past alone, so
a whole text can be read in one pass with the very result of reading it token by token: see engine.py.
"""

from abc import ABC, abstractmethod
from typing import Literal, Protocol

from torch import Tensor

from reattend.settings import SettingError, at_least

Branches = tuple[Tensor, ...]
Prefill = Literal["exact", "trim"]
Scope = Literal["layer", "head"]
RankBy = Literal["absolute", "positive", "sum"]


class Mechanism(Protocol):
    """What a state needs of an attention mechanism; shapes as in attention/base.py, Hk key heads for H query heads."""

    def __call__(
        self, queries: Branches, keys: Branches, v: Tensor, *, causal: bool, mask: Tensor | None = None
    ) -> Tensor:
        """Outputs [B, H, T, D]; `mask` [B or 1, H or 1, T, S] is True where a query may look."""

    def logits(self, q: Tensor, k: Tensor) -> Tensor:
        """What the softmax of one branch is taken of: [B, H, T, S], at least float32."""

    def mixture(self) -> Tensor | None:
        """[R, H] if the scores are sum_r mixture[r] * softmax(logits of branch r), else None."""


class LayerState(ABC):
    """What one layer keeps."""

    @property
    @abstractmethod
    def positions(self) -> Tensor:
        """The kept positions in ascending order, [B, 1 or Hk, kept]; -1 comes first in rows that keep fewer."""

    @abstractmethod
    def attend(
        self, mechanism: Mechanism, queries: Branches, keys: Branches, v: Tensor, *, real: Tensor | None = None
    ) -> Tensor:
        """Read T new tokens: outputs [B, H, T, D] of their queries [B, H, T, D], keys and values [B, Hk, T, D].

        `real` [B, T] is False at padding, which enters no state and whose outputs mean nothing.
        """

    @abstractmethod
    def tensors(self) -> list[Tensor]:
        """The keys and values that are kept, [B, Hk, kept, D] each."""

    @abstractmethod
    def slots_in_use(self) -> list[Tensor]:
        """The same memory as it lies, in no order: to be measured, not to be changed."""

    def kept_bytes(self) -> int:
        """The size of the keys and values that are kept."""
        return sum(tensor.numel() * tensor.element_size() for tensor in self.slots_in_use())

    @abstractmethod
    def select(self, rows: Tensor) -> None:
        """Go on with these rows of the batch, in this order: beams are reordered, repeated and dropped so."""


class State:
    """The state of a whole decoder; `seen` counts the tokens read and is the position of the next one."""

    def __init__(self, layers: list[LayerState]) -> None:
        self.layers, self.seen = layers, 0


class Policy(ABC):
    """A rule for what the state keeps."""

    @abstractmethod
    def layer_state(self, index: int) -> LayerState:
        """The empty state of layer number `index`."""

    def state(self, *, layers: int) -> State:
        """The empty state of a decoder of that many layers."""
        return State([self.layer_state(index) for index in range(layers)])


class Bounded(Policy):
    """At most `size` entries a layer, or a layer and key-value head.

    prefill: `exact` applies the policy to every token, wherever a text is split into calls. `trim` is what the
    papers' public code does to a prompt: all tokens of one call see each other and what was kept before, then the state
    is cut to `size` at once; one token a call is `exact` again.
    """

    def __init__(self, *, size: int, prefill: Prefill = "exact") -> None:
        at_least("policy.size", size, 1)
        self.size, self.prefill = size, prefill

    @abstractmethod
    def layer_state(self, index: int) -> LayerState:
        """The empty state of layer number `index`, a `BoundedLayer` of engine.py."""


def protects(option: str, entries: int, size: int) -> None:
    """Refuse to protect so many entries that none could leave."""
    if not 0 <= entries < size:
        expected = f"from 0 to {size - 1}, less than policy.size={size}"
        raise SettingError(f"policy.{option}", entries, expected, f"Lower policy.{option} or raise policy.size.")
