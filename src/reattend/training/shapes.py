"""What a model computes and keeps, found by a pass over shapes alone: no numbers, next to no memory, about a second.

parameters  Counted where they are made, so ties count once.
FLOPs       Twice the multiply-adds of every matrix product, as torch's FlopCounterMode sees them, and of fused
            attention 2 (D + D') for each pair of a query [D] and a key it may look at: T (T + 1) / 2 of a causal
            pass, where FlopCounterMode has T^2. Norms, activations and softmaxes are not counted.
kept bytes  Every tensor that autograd saves for the backward pass, each storage once, parameters aside.

So a mechanism that computes more, or keeps more, is told by its own code. Two questions depend on numbers and are
answered alike for every model: whether all is real with yes (no token is padding), and where the tokens of a band lie
with nowhere (the projections of an adaptive embedding are left out: 0.2 % of WikiText-103's recipe).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.graph import saved_tensors_hooks
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from reattend.models import size
from reattend.models.decoder import Decoder


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of one example in one forward pass."""

    parameters: int
    ends: int  # of them in embeddings and output
    flops: float
    kept: float  # bytes for the backward pass, in float32
    logits: float  # of a token; the mean where rare words have fewer

    def of(self, share: float) -> Self:
        """The cost of an example that is a little shorter."""
        return replace(self, flops=share * self.flops, kept=share * self.kept)


class Shapes(TorchFunctionMode):
    """Weights made in here, and what is computed from them, have shapes alone; scalars keep their values."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_flops = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func is torch.empty:  # with which every layer makes its weights
            kwargs["device"] = "meta"
        elif func is F.scaled_dot_product_attention:
            return self._attention(*args, **kwargs)
        elif func in (Tensor.__bool__, Tensor.nonzero) and args[0].is_meta:
            return True if func is Tensor.__bool__ else args[0].new_empty(0, args[0].ndim, dtype=torch.int64)
        return func(*args, **kwargs)

    def _attention(self, q: Tensor, k: Tensor, v: Tensor, *, is_causal: bool = False, **_: Any) -> Tensor:
        (*rows, queries, width), keys = q.shape, k.shape[-2]
        pairs = queries * (queries + 1) // 2 if is_causal else queries * keys
        self.attention_flops += 2 * (width + v.shape[-1]) * pairs * torch.Size(rows).numel()
        out: Tensor = _Fused.apply(q, k, v)
        return out


class _Fused(Function):
    """Keeps what fused attention keeps: inputs and outputs, no [T, T]."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        out = v.new_empty(q.shape[0], q.shape[2], q.shape[1], v.shape[-1]).transpose(1, 2)  # [B, T, H, D] in memory
        ctx.save_for_backward(q, k, v, out)
        return out


def parameters_of(build: Callable[[], nn.Module]) -> int:
    """How many parameters the model has that `build` makes."""
    with Shapes():
        return size(build())


def measure(build: Callable[[], nn.Module], lengths: Sequence[int]) -> Cost:
    """The cost of one example, of so many tokens each of the model's inputs, in training."""
    kept: dict[int, Any] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage._cdata] = storage  # held, so that its number is given to no other
        return tensor

    with Shapes() as shapes:
        model = build()
        parameters = size(model)
        ends = sum(p.numel() for name, p in model.named_parameters() if _is_an_end(name))
        model.to("meta").train()
        inputs = [torch.ones(1, length, dtype=torch.int64, device="meta") for length in lengths]
        with FlopCounterMode(display=False) as counter, saved_tensors_hooks(keep, lambda tensor: tensor):
            flops = _read(model, inputs)
    for parameter in model.parameters():
        kept.pop(parameter.untyped_storage()._cdata, None)
    return Cost(
        parameters=parameters,
        ends=ends,
        flops=flops + counter.get_total_flops() + shapes.attention_flops,
        kept=sum(storage.nbytes() for storage in kept.values()),
        logits=_logits(model.output),
    )


def _read(model: nn.Module, inputs: Sequence[Tensor]) -> float:
    """Run the model; the FLOPs of what could not be run: of an output whose work depends on the words."""
    if isinstance(model, Decoder):
        model.hidden(*inputs)
        return inputs[0].numel() * model.output.flops_per_token()
    model(*inputs)
    return 0.0


def _logits(output: Any) -> float:
    return output.out_features if isinstance(output, nn.Linear) else output.flops_per_token() / (2 * output.in_features)


def _is_an_end(name: str) -> bool:
    first = name.partition(".")[0]
    return first == "output" or first.endswith("embedding")
