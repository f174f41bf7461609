"""What a decoder remembers of the tokens it has read: its key-value state, and the policy that bounds it.

Seen as a recurrent network (Oren et al., Transformers are Multi-State RNNs, arXiv 2401.06104), a decoder's state is
the keys and values of every layer, and a policy keeps at most `size` entries (k in the paper) of each. At step t
the query of token t attends to what is kept and to itself, k + 1 entries at most; then one entry leaves.

A policy says which, in one of two ways:

* `Static`: from the positions alone: `sees(step, position)` is whether the query of that step may look there.
* `Ranked`: after a query has attended, every entry gets a `rank`, and of those not protected the lowest leaves.

Positions are those of the text and never change. Which entries leave depends on a layer's own past alone, so
a whole text can be read in one pass with the very result of reading it token by token: see engine.py.
"""

from abc import ABC, abstractmethod
from typing import Any, Literal, Protocol

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

    def layer_state(self, index: int) -> LayerState:
        from reattend.cache.engine import BoundedLayer

        return BoundedLayer(self, index)


class Static(Bounded):
    """A policy that needs positions alone."""

    @abstractmethod
    def sees(self, step: Tensor, position: Tensor) -> Tensor:
        """Whether the query of `step` may look at `position` <= step; both broadcast. What it drops stays dropped."""


class Ranked(Bounded):
    """A policy that weighs entries by the attention they get.

    scope: one set of entries a `layer`, ranked by the mean over its heads, or one a key-value `head`, by the mean over
    the query heads that share it. The `first` positions of the text and the `recent` newest entries, the current one
    included, never leave. rank_by: a mechanism with negative scores P = l+ P+ - l- P- (daGPAM) is weighed by |P|
    (absolute), P+ (positive) or P+ + P- (sum); for softmax the three are the same.

    Of entries with the same rank the one with the lowest position leaves.

    A policy is the static method rank(previous, weight, position, step, lane, *options): the new rank of one entry,
    from its last one (0 when it enters), the weight it got at this step, its position, the step, and the number of the
    set of entries that decides (layers and heads, from 0). It is compiled for one entry and called with tensors of
    all as well, so it holds plain arithmetic and no branch.
    """

    rank: Any

    def __init__(
        self,
        *,
        size: int,
        scope: Scope = "layer",
        first: int = 0,
        recent: int = 0,
        prefill: Prefill = "exact",
        rank_by: RankBy = "absolute",
    ) -> None:
        super().__init__(size=size, prefill=prefill)
        protects("first", first, size)
        if not 0 <= recent <= size - first:
            expected = f"from 0 to {size - first}, which is policy.size - policy.first"
            raise SettingError("policy.recent", recent, expected, "Lower policy.recent or raise policy.size.")
        self.scope, self.first, self.recent, self.rank_by = scope, first, recent, rank_by

    @property
    def options(self) -> tuple[float, ...]:
        """Numbers of the policy that `rank` takes after its five arguments."""
        return ()


def protects(option: str, entries: int, size: int) -> None:
    """Refuse to protect so many entries that none could leave."""
    if not 0 <= entries < size:
        expected = f"from 0 to {size - 1}, less than policy.size={size}"
        raise SettingError(f"policy.{option}", entries, expected, f"Lower policy.{option} or raise policy.size.")
