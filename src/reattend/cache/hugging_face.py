"""Any cache policy on any Hugging Face decoder, without touching its code.

    cache = PolicyCache(model, policy="tova", size=256)    # or with positions="slots", for rotary decoders
    model(input_ids=ids, past_key_values=cache)            # or model.generate(ids, past_key_values=cache)

transformers offers two places for this, and both are used as meant. A `Cache` takes a layer's new keys and values; an
attention function registered under a name computes the outputs. The function is not told of the cache, so the cache
marks the key tensor that passes through it. Masks never reach [T, T]: a layer says that it holds 0 keys, which no other
cache does, and gets the 2D padding mask instead.

For inference: no gradients flow through a bounded state.
"""

import copy
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Self

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.cache_utils import Cache, CacheLayerMixin
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import eager_mask, sdpa_mask

from reattend.cache import build_policy, rotary
from reattend.cache.base import LayerState, Policy
from reattend.cache.positions import build_positions
from reattend.cache.softmax_heads import SoftmaxHeads
from reattend.settings import SettingError

NAME = "reattend"  # of the attention function and of the mark on keys
EAGER = "reattend_eager"  # for a model whose attention was its own code: softcaps and sinks exist there alone
NAMES: set[str] = set()  # of all attention functions that know a PolicyCache


class PolicyCache(Cache):
    """The state of a decoder under a policy: its name with options as keywords, or a policy object.

    The model's attention is set to ours, which does what the model's did wherever no PolicyCache is in use.
    `layers[i].positions` are the kept positions of layer i in the text, [batch, heads or 1, kept].
    """

    def __init__(
        self, model: PreTrainedModel, policy: str | Policy, *, positions: str = "original", **options: Any
    ) -> None:
        limit = _refuse_unfit(model)
        if isinstance(policy, Policy):
            if options:
                given = ", ".join(options)
                raise SettingError("policy", type(policy).__name__, f"a name beside the options {given}", "Drop these.")
            self.policy = build_positions({"name": positions}).under(policy)
        else:
            self.policy = build_policy({"name": policy, **options}, positions={"name": positions})
        if self.policy.positions is not None:
            rotary.prepare(model, self.policy.positions)
        count = model.config.get_text_config(decoder=True).num_hidden_layers
        self.states = [self.policy.layer_state(i) for i in range(count)]
        super().__init__(layers=[PolicyLayer(state, limit) for state in self.states])
        if model.config._attn_implementation not in NAMES:
            model.set_attn_implementation(EAGER if model.config._attn_implementation == "eager" else NAME)

    def fork(self, rows: Tensor) -> Self:
        """Another cache that goes on from these rows of the batch; this one stays as it is."""
        other = copy.copy(self)
        layers = [layer.fork(rows) for layer in self.layers if isinstance(layer, PolicyLayer)]
        other.layers, other.states = [*layers], [layer.state for layer in layers]
        return other

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        before = self.layers[layer_idx - 1]
        if isinstance(before, PolicyLayer) and before.waits:  # for attention that will never come
            expected = "the model that the PolicyCache was made for, with the attention that this has set"
            raise SettingError("past_key_values", "PolicyCache", expected, "Make a new PolicyCache(model, ...).")
        return super().update(key_states, value_states, layer_idx, *args, **kwargs)


class PolicyLayer(CacheLayerMixin):
    """One layer's state in the shape that transformers expects."""

    supports_early_init = False  # nothing is known before the first keys come

    def __init__(self, state: LayerState, limit: int | None) -> None:
        self.state, self.limit = state, limit
        self.length = 0  # columns read, padding included
        self.waits = False  # keys went by that no query has seen yet

    @property
    def positions(self) -> Tensor:
        """The kept positions, [batch, heads or 1, kept]; -1 fills rows that keep fewer."""
        return self.state.positions

    @property
    def keys(self) -> Tensor | None:  # type: ignore[override]
        return self.state.tensors()[0] if self.length else None

    @property
    def values(self) -> Tensor | None:  # type: ignore[override]
        return self.state.tensors()[-1] if self.length else None

    @property
    def is_initialized(self) -> bool:  # type: ignore[override]
        return self.length > 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        """Nothing to do: the state takes its shape from the first keys."""

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        self.length += key_states.shape[2]
        if self.limit is not None and self.length > self.limit:
            raise SettingError(
                "sliding_window",
                self.limit,
                f"at least the {self.length} tokens that are read: beyond it the model itself hides entries, and a "
                "cache policy would not be what it says",
                "Read less, or switch the window off: lm.sliding_window=off, or model.config.sliding_window=None.",
            )
        marked = key_states.view(key_states.shape)
        setattr(marked, NAME, self)
        self.waits = True
        return marked, value_states

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return 0, 0

    def get_seq_length(self) -> int:
        return self.length

    def get_max_length(self) -> int:
        return -1

    def reset(self) -> None:
        raise SettingError("past_key_values", "reset()", "a new PolicyCache for a new text", "Make another one.")

    def crop(self, tokens_to_remove: int) -> None:
        expected = "a state that can go back; entries that left are gone"
        raise SettingError("past_key_values", "crop()", expected, "Generate without an assistant model.")

    def fork(self, rows: Tensor) -> Self:
        """Another layer of this kind, as the state's own."""
        other = copy.copy(self)
        other.state = self.state.fork(rows)
        return other

    def reorder_cache(self, beam_idx: Tensor) -> None:
        self.state.select(beam_idx)

    def batch_select_indices(self, indices: Tensor) -> None:
        self.state.select(indices)

    def batch_repeat_interleave(self, repeats: int) -> None:
        if self.keys is not None:
            rows = torch.arange(self.keys.shape[0], device=self.keys.device)
            self.state.select(rows.repeat_interleave(repeats))


def _attention(
    plain: Callable[..., Any],
    attend: Callable[..., Tensor],
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **others: Any,
) -> Any:
    """transformers' attention function: outputs [B, T, H, D], by `plain` for keys that come from no PolicyCache."""
    layer: PolicyLayer | None = getattr(key, NAME, None)
    padding = attention_mask if attention_mask is not None and attention_mask.dim() == 2 else None  # of `_mask`
    if layer is None and padding is None:
        return plain(module, query, key, value, attention_mask, scaling=scaling, dropout=dropout, **others)
    if layer is None or not layer.waits:
        raise _unfit(module, "it changes the keys that the cache has seen, or takes another layer's")
    if padding is None:
        raise _unfit(module, "its mask is not one of padding, [batch, tokens]")
    for extra in ("s_aux", "position_bias"):
        if others.get(extra) is not None:
            raise _unfit(module, f"its attention takes {extra}")
    layer.waits = False
    layer.state.turning = getattr(module, rotary.MARK, None)
    real = padding if padding.shape[1] > 0 else None
    y = attend(module, query, key, value, layer.state, real=real, scaling=scaling, softcap=others.get("softcap"))
    return y.transpose(1, 2).contiguous(), None


def _softmax(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    state: LayerState,
    *,
    real: Tensor | None,
    scaling: float | None,
    softcap: float | None,
) -> Tensor:
    """Outputs [B, H, T, D] of a layer as it is."""
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    heads = SoftmaxHeads(query.shape[1], scale, softcap, query.device)
    return state.attend(heads, (query,), (key,), value, real=real)


def _own_attention(module: torch.nn.Module, *tensors: Any, **others: Any) -> Any:
    """The attention that the file of a model defines for itself."""
    return sys.modules[type(module).__module__].eager_attention_forward(module, *tensors, **others)


def _mask(
    plain: Callable[..., Tensor | None],
    batch_size: int,
    q_length: int,
    kv_length: int,
    attention_mask: Tensor | None = None,
    **others: Any,
) -> Tensor | None:
    """For a PolicyCache, which holds 0 keys: the real ones of the new tokens [B, T], or [B, 0] if all are real."""
    if kv_length > 0:
        return plain(batch_size, q_length, kv_length, attention_mask=attention_mask, **others)
    if others.get("use_vmap"):  # how transformers marks a rule of the model's own
        raise _unfit(others.get("config"), "its mask is not a causal one")
    if attention_mask is None or attention_mask[:, -q_length:].all():
        return torch.empty(batch_size, 0, dtype=torch.bool, device=others.get("device", "cpu"))
    return attention_mask[:, -q_length:].bool()


def register(
    name: str, *, plain: Callable[..., Any], mask: Callable[..., Tensor | None], attend: Callable[..., Tensor]
) -> None:
    """An attention function of that name: `attend` where a PolicyCache keeps the past, else `plain` with `mask`."""
    AttentionInterface.register(name, partial(_attention, plain, attend))
    AttentionMaskInterface.register(name, partial(_mask, mask))
    NAMES.add(name)


register(NAME, plain=sdpa_attention_forward, mask=sdpa_mask, attend=_softmax)
register(EAGER, plain=_own_attention, mask=eager_mask, attend=_softmax)


def _refuse_unfit(model: PreTrainedModel) -> int | None:
    """A message for a model that no policy fits; else the number of tokens up to which a policy is what it says."""
    if not isinstance(model, PreTrainedModel):
        raise _unfit(model, "it is no model of transformers")
    config = model.config.get_text_config(decoder=True)
    if model.config.is_encoder_decoder:
        raise _unfit(model, "it is an encoder-decoder")
    if not model._can_set_attn_implementation():
        raise _unfit(model, "its attention does not go through transformers' AttentionInterface")
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    others = kinds - {"full_attention", "sliding_attention", "chunked_attention"}
    if others or getattr(model, "_is_stateful", False):
        raise _unfit(model, f"it is a hybrid, with layers of {', '.join(sorted(others)) or 'recurrent states'}")
    limits = []
    slides = getattr(config, "use_sliding_window", True) and kinds != {"full_attention"}
    if slides or not hasattr(config, "layer_types"):
        limits.append(getattr(config, "sliding_window", None))
    if "chunked_attention" in kinds:
        limits.append(getattr(config, "attention_chunk_size", None))
    return min((limit for limit in limits if limit), default=None)


def _unfit(model: object, reason: str) -> SettingError:
    expected = "a decoder of transformers whose attention can be replaced"
    return SettingError("model", type(model).__name__, f"{expected}; with this one it cannot: {reason}", "Use another.")
