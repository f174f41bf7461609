"""Continue texts a token at a time, several side by side, with the state that a cache policy keeps.

A row ends by itself, at a token that marks an end or when it is as long as it may be, and then leaves the batch. A row
that is drawn takes its random numbers from a stream of its own: what is written in it does not depend on its company,
but for the rounding of a product over more rows or fewer.

Of the probabilities p at temperature t, p^(1/t) normalised, `top_p` leaves the likeliest tokens that together reach it
(Holtzman et al. 2020, arXiv 1904.09751). Of these that token is drawn whose clock rings first: each token of the
vocabulary has one, of exponential times at the rate p. Two rows that have the same clocks, and probabilities whose
total variation is d, draw different tokens with a chance of 2 d / (1 + d) at most (Bavarian et al. 2020, arXiv
1612.01041): texts of two cache policies part where these change what is likely, and hardly ever by rounding, as they
would if one number were looked up in sums of sorted probabilities.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from reattend.models.reading import Reading


@dataclass(frozen=True)
class Written:
    """What was written in a row."""

    tokens: list[int]  # without the end token
    ended: bool  # by an end token; else it was cut at the longest length
    log_p: float  # sum of ln p of the tokens chosen, the end included, under the model's own probabilities


@dataclass(frozen=True, kw_only=True)
class Choice:
    """How a next token is chosen; a task has checked its settings."""

    temperature: float = 0.0  # 0: the likeliest
    top_p: float = 1.0  # above 0 and at most 1

    def __call__(self, log_p: Tensor, streams: Sequence[torch.Generator]) -> Tensor:
        """The next token of each row [B], of log_p [B, vocabulary]; each drawn from its own stream."""
        if self.temperature == 0:
            return log_p.argmax(dim=-1)
        rates = (log_p.double() / self.temperature).softmax(dim=-1)
        if self.top_p < 1:  # else none is left out, and nothing needs to be sorted
            ordered = rates.sort(dim=-1, descending=True, stable=True)
            likelier = ordered.values.cumsum(dim=-1) - ordered.values  # all of them together
            rates = rates.scatter(1, ordered.indices, ordered.values.where(likelier < self.top_p, 0))
        times = [torch.empty(rates.shape[1], dtype=rates.dtype).exponential_(generator=stream) for stream in streams]
        return (rates / torch.stack(times).to(rates.device)).argmax(dim=-1)


def write(
    reading: Reading,
    last: Tensor,
    *,
    longest: int,
    ends: Collection[int],
    choice: Choice,
    streams: Sequence[torch.Generator] | None = None,
    tell: Callable[[int], None] | None = None,
) -> list[Written]:
    """The continuations of the rows of a reading, which has read their beginnings and is used up.

    `last` [B, vocabulary] are the logits after each beginning. `tell` is told after each step how many these are.
    """
    tokens: list[list[int]] = [[] for _ in last]
    log_ps, ended = [0.0] * len(last), [False] * len(last)
    going = list(range(len(last)))
    for step in range(1, longest + 1):
        log_p = last.float().log_softmax(dim=-1)
        chosen = choice(log_p, [] if streams is None else [streams[row] for row in going])  # [B]
        scores = log_p.gather(1, chosen[:, None]).squeeze(1).tolist()
        kept = []
        for place, (row, token, score) in enumerate(zip(going, chosen.tolist(), scores, strict=True)):
            log_ps[row] += score
            ended[row] = token in ends
            if not ended[row]:
                tokens[row].append(token)
                kept.append(place)
        if tell is not None:
            tell(step)
        if not kept or step == longest:
            break
        if len(kept) < len(going):
            reading = reading.fork(torch.tensor(kept))
        going = [going[place] for place in kept]
        last = reading.read(chosen[kept][:, None], last=1)[:, -1]
    return [Written(*row) for row in zip(tokens, ended, log_ps, strict=True)]
