"""How the attention layers of a transformers decoder turn queries and keys by their positions.

transformers hands each layer the angles of its tokens, and the file of a model has the function that turns by them. A
hook notes the angles; turning by their negatives turns back. A state that counts positions in its own way (placed.py)
needs more: which pairs of numbers turn, and by how much from one position to the next. That is asked of the model
itself, in two passes over a few tokens, and whatever it cannot be said of is refused.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from reattend.cache.placed import turned
from reattend.cache.positions.base import Counted

ROTATION = "apply_rotary_pos_emb"  # what transformers calls the turning of queries and keys, in each model's file
PROBE = "reattend_probe"  # of the attention function that notes
MARK = "reattend_turning"  # of a layer of which all is known
CHANGING = ("dynamic", "longrope")  # kinds of positions whose frequencies depend on the length of the text
TOKENS, ELSEWHERE = 4, 3  # of a pass, and how much later the second one begins
Noted = Callable[..., Any]


def note_angles(layer: Any, args: Any, kwargs: dict[str, Any]) -> None:
    """A hook before a layer's pass."""
    layer.angles = kwargs.get("position_embeddings")  # cos, sin [B, T, D or less]; None: queries are not turned


def turn(layer: Any, x: Tensor, *, back: bool = False) -> Tensor:
    """x [B, H, T, D] by the angles of a layer's T tokens, as the layer turns its queries; or back."""
    if layer.angles is None:
        return x
    rotate = getattr(sys.modules[type(layer).__module__], ROTATION)
    cos, sin = layer.angles
    width = cos.shape[-1]  # where it is less than D, the first numbers of a head are turned, and the others stay
    y = rotate(x[..., :width], x[:, :1, :, :width], cos, -sin if back else sin)[0]
    if back:  # some models scale their angles: what was multiplied twice by |(cos, sin)| is divided by its square
        y = y / (cos[..., :1] ** 2 + sin[..., :1] ** 2)[:, None]
    return y if width == x.shape[-1] else torch.cat([y.to(x.dtype), x[..., width:]], dim=-1)


@contextmanager
def noting(model: PreTrainedModel, note: Noted) -> Iterator[None]:
    """`model` attends as PyTorch does, and `note` is told of each call."""

    def noted(
        layer: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **others: Any
    ) -> tuple[Tensor, None]:
        note(layer, query, key, **others)
        return sdpa_attention_forward(layer, query, key, value, mask, scaling=others.get("scaling"))

    AttentionInterface.register(PROBE, noted)
    AttentionMaskInterface.register(PROBE, sdpa_mask)
    before = model.config._attn_implementation
    model.set_attn_implementation(PROBE)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@dataclass(frozen=True)
class LayerTurning:
    """See `Turning` of cache/base.py."""

    layer: Any
    order: Tensor  # [D]: the numbers of a head, the first of each pair, then the second
    frequencies: Tensor  # [D / 2]; 0 where nothing turns
    scale: float  # of the angles: queries and keys come out so much longer

    def plain(self, x: Tensor) -> Tensor:
        wide = turn(self.layer, x.to(torch.promote_types(x.dtype, torch.float32)), back=True)
        width = self.layer.angles[0].shape[-1]
        if self.scale != 1:
            wide = torch.cat([self.scale * wide[..., :width], wide[..., width:]], dim=-1)
        return wide[..., self.order.to(x.device)].to(x.dtype)

    def ordered(self, x: Tensor) -> Tensor:
        return x[..., self.order.to(x.device)]


class _UnknownError(Exception):
    """Why a model's turning is not known."""


def prepare(model: PreTrainedModel, positions: Counted) -> None:
    """Let each attention layer tell how it turns, or refuse these positions where it cannot be found out.

    Its queries must come out the same, turned back, wherever a text begins.
    """
    if getattr(model, MARK, False):
        return
    try:
        _find_out(model)
    except _UnknownError as reason:
        raise positions.refusal(f"for {type(model).__name__}: {reason}") from None
    setattr(model, MARK, True)


def _find_out(model: PreTrainedModel) -> None:
    for module in model.modules():
        if hasattr(module, "layer_idx") and not hasattr(module, "angles"):
            module.angles = None  # type: ignore[assignment]
            module.register_forward_pre_hook(note_angles, with_kwargs=True)
    here, elsewhere = (_plain_queries(model, start) for start in (0, ELSEWHERE))
    for one, other in zip(here, elsewhere, strict=True):
        if not _near(one, other):
            raise _UnknownError("what its layers compare depends on where a text begins")


def _plain_queries(model: PreTrainedModel, start: int) -> list[Tensor]:
    """Of a few tokens from that position on, each layer's queries as they were before they were turned."""
    found: list[Tensor] = []
    places = torch.arange(start, start + TOKENS, device=model.device)

    def note(layer: Any, query: Tensor, key: Tensor, **others: Any) -> None:
        turning = _turning(model, layer, query.shape[-1], places)
        setattr(layer, MARK, turning)
        found.append(turning.plain(query))
        again = turned(found[-1], places.expand(1, 1, -1), turning.frequencies.to(query.device))
        if not _near(again, turning.ordered(query)):
            raise _UnknownError("its positions turn queries in a way of their own")

    with noting(model, note), torch.no_grad():
        tokens = torch.zeros(1, TOKENS, dtype=torch.int64, device=model.device)
        model(input_ids=tokens, position_ids=places[None], use_cache=False)
    return found


def _turning(model: PreTrainedModel, layer: Any, width: int, places: Tensor) -> LayerTurning:
    """How a layer turns that was just given angles for these positions."""
    angles, rotate = getattr(layer, "angles", None), getattr(sys.modules[type(layer).__module__], ROTATION, None)
    if angles is None or rotate is None or not all(isinstance(angle, Tensor) and angle.dim() == 3 for angle in angles):
        raise _UnknownError("its positions do not turn queries and keys")
    cos, sin = angles
    eye = torch.eye(cos.shape[-1], dtype=cos.dtype, device=cos.device)
    quarter = rotate(eye[None, None], eye[None, None], torch.zeros_like(eye)[None], torch.ones_like(eye)[None])[0][0, 0]
    first = (quarter.sum(dim=1) > 0).nonzero().flatten()  # a quarter turn takes (1, 0) to (0, 1), and (0, 1) to (-1, 0)
    second = quarter[first].argmax(dim=1)
    others = torch.arange(cos.shape[-1], width, device=cos.device)
    half = len(others) // 2
    order = torch.cat([first, others[:half], second, others[half:]])
    frequencies, scale = _frequencies(model, cos[0, :, first], sin[0, :, first], first, places)
    return LayerTurning(layer, order, torch.cat([frequencies, frequencies.new_zeros(half)]), scale)


def _frequencies(
    model: PreTrainedModel, cos: Tensor, sin: Tensor, first: Tensor, places: Tensor
) -> tuple[Tensor, float]:
    """Of the pairs whose first numbers lie at `first`, from the part of the model that made these angles [T, pairs]."""
    for part in model.modules():
        known, scale = getattr(part, "inv_freq", None), getattr(part, "attention_scaling", 1.0)
        if not isinstance(known, Tensor) or getattr(part, "rope_type", "default") in CHANGING:
            continue
        for spread in (known.repeat(2), known.repeat_interleave(2)):  # halves, or neighbours
            if len(spread) <= int(first.max()):
                continue
            frequencies = spread.double()[first]
            turns = places[:, None] * frequencies
            if _near(scale * turns.cos(), cos) and _near(scale * turns.sin(), sin):
                return frequencies, scale
    raise _UnknownError("its angles are not a fixed multiple of the position")


def _near(one: Tensor, other: Tensor) -> bool:
    """Equal but for roundings of the coarser of the two, a few dozen of them."""
    precision = max(torch.finfo(one.dtype).eps, torch.finfo(other.dtype).eps, torch.finfo(torch.float32).eps)
    size = float(other.abs().max())
    return torch.allclose(one.double(), other.double(), rtol=0, atol=64 * precision * max(size, 1e-6))
