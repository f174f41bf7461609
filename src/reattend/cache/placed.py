"""Any policy with its entries at other positions than those of the text (positions/).

Keys are kept as they were before positions turned them. At every step the entries that are alive get their positions
anew, and keys and query are turned to them. What leaves follows from the weights so made, and where it leaves the
entries on either side come nearer to each other: so no rotation serves a whole block of queries, as in engine.py.

Where one compiled loop can make the logits, softmax of c q k^T on a CPU, it goes through a block row by row and turns
no more than the entries on the shorter side of one that left (placed_scan.py). Elsewhere tokens are read one by one.
Both are linear in the text, in O(size + C) memory.
"""

from abc import abstractmethod
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from reattend.cache.base import Bounded, Branches, Mechanism
from reattend.cache.engine import BoundedLayer, mixed
from reattend.cache.positions.base import Counted

P = TypeVar("P", bound=Bounded)


class PlacedLayer(BoundedLayer[P], Generic[P]):
    """Goes before the layer of a kind of policies, whose `read` it calls with keys and queries in their places."""

    places: Counted

    @abstractmethod
    def block(self, mixture: Tensor, logits: Tensor, steps: Tensor, *, size: int) -> Any:
        """(rule, block, left) of placed_scan.scan for logits [B, R, H, C, N] that it is to make."""

    def attend(
        self, mechanism: Mechanism, queries: Branches, keys: Branches, v: Tensor, *, real: Tensor | None = None
    ) -> Tensor:
        turning = self.turning
        if turning is None:
            raise self.places.refusal("for a model whose positions do not turn queries and keys")
        queries = _turned_ones(mechanism, queries, turning.plain)
        return super().attend(mechanism, queries, tuple(turning.plain(k) for k in keys), v, real=real)

    def _block(
        self, mechanism: Mechanism, queries: Branches, keys: Branches, v: Tensor, real: Tensor | None, size: int
    ) -> Tensor:
        whole = size > self.policy.size  # prefill=trim: nothing leaves
        if whole or _compiles(mechanism, queries, v):
            return super()._block(mechanism, queries, keys, v, real, size)
        outputs = []
        for t in range(v.shape[2]):
            one = slice(t, t + 1)
            now = None if real is None else real[:, one]
            q, k = (tuple(branch[:, :, one] for branch in branches) for branches in (queries, keys))
            outputs.append(super()._block(mechanism, q, k, v[:, :, one], now, size))
        return torch.cat(outputs, dim=2)

    def read(
        self, mechanism: Mechanism, queries: Branches, keys: Branches, v: Tensor, steps: Tensor, *, size: int
    ) -> tuple[Tensor, Tensor]:
        assert self.turning is not None
        frequencies = self.turning.frequencies.to(v.device)
        n, c = v.shape[2], steps.shape[1]
        if _compiles(mechanism, queries, v):
            return self._scanned(mechanism, queries, keys, v, steps, frequencies, size=size)
        places = self.places.places(self.slots[..., :n])  # [B, L, N]
        queries = _turned_ones(mechanism, queries, lambda q: turned(q, places[..., n - c :], frequencies))
        keys = tuple(turned(k, places, frequencies) for k in keys)
        return super().read(mechanism, queries, keys, v, steps, size=size)  # type: ignore[safe-super]  # the layer's

    def _scanned(
        self,
        mechanism: Mechanism,
        queries: Branches,
        keys: Branches,
        v: Tensor,
        steps: Tensor,
        frequencies: Tensor,
        *,
        size: int,
    ) -> tuple[Tensor, Tensor]:
        from reattend.cache.placed_scan import Placing, scan

        wide = torch.promote_types(v.dtype, torch.float32)
        mixture, scale = mechanism.mixture(), mechanism.dot_scale(queries[0].shape[-1])
        assert mixture is not None and scale is not None
        b, h, c, _ = queries[0].shape
        n = v.shape[2]
        slots = self.slots[..., :n].clone()
        slots[..., n - c :] = -1
        places = self.places.places(slots)
        logits = torch.zeros(b, len(queries), h, c, n, dtype=wide)
        placing = Placing(
            scale * torch.stack([q.to(wide) for q in queries], dim=1),
            torch.stack([turned(k.to(wide), places.where(slots >= 0, 0), frequencies) for k in keys], dim=1),
            frequencies,
            places,
            slots.masked_fill(slots < 0, torch.iinfo(slots.dtype).max).argsort(dim=-1),
            (slots >= 0).sum(dim=-1),
            self.places.table(int(steps.max()) + 1),
        )
        rule, block, left = self.block(mixture, logits, steps, size=size)
        left = scan(rule, block, placing, left)  # which makes weights of logits
        return mixed(mixture, logits, v), left


def _compiles(mechanism: Mechanism, queries: Branches, v: Tensor) -> bool:
    plain = v.device.type == "cpu" and mechanism.mixture() is not None
    return plain and mechanism.dot_scale(queries[0].shape[-1]) is not None


def _turned_ones(mechanism: Mechanism, queries: Branches, turn: Any) -> Branches:
    """`turn` of the branches that positions turn; the others as they are."""
    last = len(queries) - mechanism.unturned
    return (*(turn(q) for q in queries[:last]), *queries[last:])


def turned(x: Tensor, places: Tensor, frequencies: Tensor) -> Tensor:
    """x [B, H, N, D], its pairs (i, i + D / 2), turned to `places` [B, L, N] of L sets of heads."""
    angles = places.repeat_interleave(x.shape[1] // places.shape[1], dim=1)[..., None] * frequencies  # float64
    wide = torch.promote_types(x.dtype, torch.float32)
    cos, sin = angles.cos().to(wide), angles.sin().to(wide)
    a, b = x.to(wide).chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1).to(x.dtype)
