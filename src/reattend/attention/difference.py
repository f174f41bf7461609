"""The difference of two branches' outputs, for mechanisms that subtract one attention from another."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


class Difference(Function):
    """a x - b y for x, y [B, H, T, D] and a, b [G, 1, 1], G being 1 or H.

    Written out because autograd would read and write these large tensors twice as often as is needed.
    float32 factors lift a bfloat16 difference, where cancellation would cost digits, to float32.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, a: Tensor, b: Tensor) -> Tensor:
        ctx.save_for_backward(x, y, a, b)
        return (a * x).addcmul_(b, y, value=-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
        x, y, a, b = ctx.saved_tensors

        def product(z: Tensor) -> Tensor:
            """The sum of grad * z over all but G, [G, 1, 1]; in memory's order [B, T, H, D], so without copies."""
            groups = (t.transpose(1, 2).chunk(len(a), dim=2) for t in (grad, z.to(grad.dtype)))
            return torch.stack([g.flatten().dot(part.flatten()) for g, part in zip(*groups, strict=True)]).view_as(a)

        to_a = product(x) if ctx.needs_input_grad[2] else None
        to_b = -product(y) if ctx.needs_input_grad[3] else None
        return (a * grad).to(x.dtype), (-b * grad).to(y.dtype), to_a, to_b
