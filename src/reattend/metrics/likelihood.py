"""How well a model predicts a text: sums are kept, and divided once.

    bits per token = sum of -ln p / (ln 2 * number of predicted tokens);  perplexity = exp(sum of -ln p / that number)

For a byte vocabulary bits per token are bits per byte.
"""

import math
from dataclasses import dataclass


@dataclass
class Likelihood:
    """Negative log-likelihood in nats, summed over `count` predicted tokens."""

    nats: float = 0.0
    count: int = 0

    def add(self, nats: float, count: int) -> None:
        self.nats += nats
        self.count += count

    @property
    def bits(self) -> float:
        """Sum of -log2 p."""
        return self.nats / math.log(2)

    def bits_per_token(self) -> float:
        return self.bits / self.count

    def perplexity(self) -> float:
        return math.exp(self.nats / self.count)
