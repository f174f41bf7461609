"""One number for each head and token, made from the queries of all heads."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class HeadScalars(nn.Module):
    """q [B, H, T, D] -> [B, H, T, 1], a linear map of the HD numbers that q = x W_Q has for a token."""

    def __init__(self, *, heads: int, head_width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(heads, heads * head_width))  # [out, in]
        self.initialise(torch.default_generator)

    @torch.no_grad()
    def initialise(self, generator: torch.Generator) -> None:
        """Keeps the variance of its input."""
        self.weight.normal_(0.0, self.weight.shape[1] ** -0.5, generator=generator)

    def forward(self, q: Tensor) -> Tensor:
        return F.linear(q.transpose(1, 2).flatten(2), self.weight).transpose(1, 2)[..., None]
