"""What a decoder remembers of the tokens it has read: its key-value state, and the policy that bounds it.

Seen as a recurrent network (Oren et al., Transformers are Multi-State RNNs, arXiv 2401.06104), a decoder's state is
the keys and values of every layer, and a policy keeps at most `size` entries (k in the paper) of each. At step t
the query of token t attends to what is kept and to itself, k + 1 entries at most; then one entry leaves.

A policy says which, in one of two ways:

* from the positions alone: whether the query of a step `sees` a position (by_position.py);
* by attention: after a query has attended, every entry gets a `rank`, and of those not protected the lowest leaves
  (by_rank.py).

Positions are those of the text and never change, unless positions/ says otherwise: placed.py. Which entries leave
depends on a layer's own past alone, so a whole text can be read in one pass with the very result of reading it token by
token: see engine.py.
"""

import copy
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal, Protocol, Self

from torch import Tensor

from reattend.settings import SettingError, at_least

if TYPE_CHECKING:
    from reattend.cache.positions.base import Counted

Branches = tuple[Tensor, ...]
Prefill = Literal["exact", "trim"]
Scope = Literal["layer", "head"]
RankBy = Literal["absolute", "positive", "sum"]


class Mechanism(Protocol):
    """What a state needs of an attention mechanism; shapes as in attention/base.py, Hk key heads for H query heads.

    What queries and keys are to each other must not depend on the order of the D numbers of both.
    """

    @property
    def unturned(self) -> int:
        """So many of the last query branches are no queries: positions do not turn them."""

    def __call__(
        self, queries: Branches, keys: Branches, v: Tensor, *, causal: bool, mask: Tensor | None = None
    ) -> Tensor:
        """Outputs [B, H, T, D]; `mask` [B or 1, H or 1, T, S] is True where a query may look."""

    def logits(self, q: Tensor, k: Tensor) -> Tensor:
        """What the softmax of one branch is taken of: [B, H, T, S], at least float32."""

    def mixture(self) -> Tensor | None:
        """[R, H] if the scores are sum_r mixture[r] * softmax(logits of branch r), else None."""

    def dot_scale(self, width: int) -> float | None:
        """c where the logits of branches of that width are c q k^T: compiled code can make them; else None."""


class Turning(Protocol):
    """How a layer has turned the queries and keys of the tokens that its state is to read next (rotary positions)."""

    @property
    def frequencies(self) -> Tensor:
        """[D / 2] in float64: a pair of numbers turns by so much from one position to the next."""

    def plain(self, x: Tensor) -> Tensor:
        """x [B, H, T, D] as it was before, its pairs brought to (i, i + D / 2)."""


class LayerState(ABC):
    """What one layer keeps."""

    turning: Turning | None = None  # who calls `attend` says so before; None: positions turn nothing

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
        """Go on with these rows of the batch, in this order: beams are reordered, repeated and dropped so.

        What was kept before is not written to: a `fork` may share it.
        """

    def fork(self, rows: Tensor) -> Self:
        """Another state that goes on from these rows; this one stays as it is."""
        other = copy.copy(self)
        other.select(rows)
        return other

    @abstractmethod
    def placed(self, positions: "Counted") -> "LayerState":
        """The same, empty, with its entries at these positions."""


class State:
    """The state of a whole decoder; `seen` counts the tokens read and is the position of the next one."""

    def __init__(self, layers: list[LayerState]) -> None:
        self.layers = layers
        self.seen: int | Tensor = 0  # [B] where rows are of different lengths

    def turned(self, turning: Turning | None) -> None:
        """How the layers turn the tokens that are read next."""
        for layer in self.layers:
            layer.turning = turning

    def fork(self, rows: Tensor) -> "State":
        """Another state that goes on from these rows of the batch; this one stays as it is."""
        other = State([layer.fork(rows) for layer in self.layers])
        other.seen = self.seen if isinstance(self.seen, int) else self.seen[rows]
        return other


class Policy(ABC):
    """A rule for what the state keeps."""

    positions: "Counted | None" = None  # None: those of the text

    def layer_state(self, index: int) -> LayerState:
        """The empty state of layer number `index`."""
        state = self.empty(index)
        return state if self.positions is None else state.placed(self.positions)

    @abstractmethod
    def empty(self, index: int) -> LayerState:
        """The same, entries at the positions of the text."""

    @property
    def lossless(self) -> int | None:
        """Up to how many tokens a text is read as the full state reads it; None: any number."""
        return None

    @property
    def unbroken(self) -> bool:
        """Whether what is kept are always neighbours in the text: distances are then those of the text anyway."""
        return False

    @property
    def whole_prompts(self) -> bool:
        """Whether it matters into which calls a text is split, so that a prompt must be read in one."""
        return False

    def for_prompts(self) -> "tuple[Policy, int | None]":
        """How a prompt is read and continued: under which policy, and to how many tokens it is cut before."""
        return self, None

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

    @property
    def lossless(self) -> int:
        return self.size + 1  # the query of that token still sees all

    @property
    def whole_prompts(self) -> bool:
        return self.prefill == "trim"

    @abstractmethod
    def empty(self, index: int) -> LayerState:
        """As `Policy` has it, a `BoundedLayer` of engine.py."""


def protects(option: str, entries: int, size: int) -> None:
    """Refuse to protect so many entries that none could leave."""
    if not 0 <= entries < size:
        expected = f"from 0 to {size - 1}, less than policy.size={size}"
        raise SettingError(f"policy.{option}", entries, expected, f"Lower policy.{option} or raise policy.size.")
