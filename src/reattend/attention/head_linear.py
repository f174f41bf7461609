"""A linear map of queries or keys after they were split into heads."""

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Sharing = Literal["head_shared", "per_head", "full"]
Start = Literal["default", "identity", "negative_identity"]


class HeadLinear(nn.Module):
    """x W + b on [B, H, T, D]: W is [D, D] for all heads, [H, D, D] one a head, or [HD, HD] across heads."""

    def __init__(self, *, heads: int, head_width: int, sharing: Sharing, bias: bool, start: Start) -> None:
        super().__init__()
        self.sharing, self.start = sharing, start
        groups, width = {
            "head_shared": (1, head_width),
            "per_head": (heads, head_width),
            "full": (1, heads * head_width),
        }[sharing]
        self.weight = nn.Parameter(torch.empty(groups, width, width))  # [G, in, out]
        self.bias = nn.Parameter(torch.zeros(groups, 1, width)) if bias else None
        self.initialise(torch.default_generator)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """`default` keeps the variance of its input, as for any linear map without its activation."""
        width = self.weight.shape[-1]
        if self.start == "default":
            self.weight.normal_(0.0, width**-0.5, generator=generator)
        else:
            sign = 1.0 if self.start == "identity" else -1.0
            self.weight.copy_(sign * torch.eye(width).expand_as(self.weight))

    def forward(self, x: Tensor) -> Tensor:
        x = x.transpose(1, 2)  # [B, T, H, D], the order in which the projections left it: no copy
        if self.sharing == "per_head":
            y = torch.einsum("bthi,hio->btho", x, self.weight)
            y = y if self.bias is None else y + self.bias.squeeze(1)
        else:
            bias = None if self.bias is None else self.bias.flatten()
            whole = x.flatten(2, 3) if self.sharing == "full" else x
            y = F.linear(whole, self.weight[0].T, bias).view_as(x)
        return y.transpose(1, 2)
