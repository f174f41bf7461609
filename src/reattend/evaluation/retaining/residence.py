"""How long the entries of a state live: when each leaves, and the counts that follow from it.

An entry j of one layer and one of its sets (a layer's, or a key-value head's) is attended at the steps from j, its
own, to the one after which it leaves, or to the text's last: its residence (arXiv 2401.06104, Tables 2 and 5). Where
one entry leaves at every step from t = k on, whatever it is, all residences add up to sum_t min(t, k + 1), t = 1..T.

    recency share = entries kept that are among the last k positions / entries kept, after each step t >= k

The paper does not define "recent"; with this a window's share is 1, and a state that drops at random has 63 %.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

FIRST = 25  # positions of the beginning that are counted one by one, as in the paper's Fig. 9
BINS = 64  # of a map's positions and steps


class Leaving:
    """Notes when the entries of one layer leave, of one text of `tokens` tokens: a watcher of cache/engine.py."""

    def __init__(self, tokens: int) -> None:
        self.tokens = tokens
        self.left = np.empty((0, tokens), dtype=np.int64)  # [L, T], -1: not yet

    def __call__(self, positions: Tensor, left: Tensor) -> None:
        """positions and left [1, L, N]."""
        if not len(self.left):
            self.left = np.full((positions.shape[1], self.tokens), -1)
        lanes, slots = ((positions[0] >= 0) & (left[0] >= 0)).nonzero(as_tuple=True)
        place = positions[0, lanes, slots].cpu().numpy()
        self.left[lanes.cpu().numpy(), place] = left[0, lanes, slots].cpu().numpy()


@dataclass(frozen=True)
class Layer:
    """The counts of one layer; `left` [L, T] is the step after which each entry left, -1 for one that stayed."""

    left: np.ndarray
    size: int  # k

    @property
    def tokens(self) -> int:
        return self.left.shape[1]

    @property
    def until(self) -> np.ndarray:
        """The first step after which each entry is not kept, T for one that stayed: [L, T]."""
        return np.where(self.left >= 0, self.left, self.tokens)

    def residence(self) -> np.ndarray:
        """How many steps attended to each entry, [L, T]."""
        return np.minimum(self.until, self.tokens - 1) - np.arange(self.tokens) + 1

    def kept(self) -> np.ndarray:
        """How many entries were kept after each of the steps from k on, added up, by set: [L]."""
        return self._kept_until(self.tokens)

    def recent(self) -> np.ndarray:
        """The same of entries that were among the last k."""
        return self._kept_until(np.arange(self.tokens) + self.size)

    def _kept_until(self, end: np.ndarray | int) -> np.ndarray:
        """After how many of the steps k <= t < end an entry was kept, over all entries."""
        begin = np.maximum(np.arange(self.tokens), self.size)
        return np.maximum(np.minimum(self.until, end) - begin, 0).sum(axis=1)

    def at_once(self) -> np.ndarray:
        """How many entries left in the step in which they came, by set: [L]."""
        return (self.left == np.arange(self.tokens)).sum(axis=1)

    def stayed(self) -> np.ndarray:
        """How many sets kept each of the first positions to the end, [FIRST or T]."""
        return (self.left[:, :FIRST] < 0).sum(axis=0)

    def map(self) -> np.ndarray:
        """How many entries of each bin of positions were kept after the last step of each bin of steps, [S, P]."""
        edges = bin_edges(self.tokens)
        until = self.until
        came = np.arange(self.tokens)
        counts = [np.add.reduceat(((came <= step) & (until > step)).sum(axis=0), edges[:-1]) for step in edges[1:] - 1]
        return np.stack(counts)


def bin_edges(tokens: int) -> np.ndarray:
    """Where the bins of a map begin, and where the last ends."""
    bins = min(BINS, tokens)
    return np.arange(bins + 1) * tokens // bins
