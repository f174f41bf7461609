"""K lines of target tokens beside each source, read together one step at a time.

Nothing that was read is ever copied. The keys and values of a sentence's K lines lie in slots that all of them share,

    slots [N, H, C, D]        queries of a step [N, H, K, D]        lineage [N, K, C]

and a line looks at the slots of its own past, which `lineage` says. A beam that goes on from another's past takes over
its row of `lineage`, one bit a slot instead of keys and values of every layer. A slot that no line looks at any more
takes the next new token, so lines with a common past need few more slots than one line has tokens; as slots have no
order, the keys must hold their positions, and they do. The source's keys and values serve all K lines in place.
"""

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from reattend.cache.base import Branches, Mechanism
from reattend.data.parallel.dictionary import BOS, EOS, PAD, UNK
from reattend.models.encoder_decoder import EncoderDecoder

Unknown = Literal["keep", "forbid"]


class Lanes:
    """N sentences with K lines each. All lines begin with EOS, as fairseq's do, and hold tokens of the same count."""

    new: tuple[Tensor, Tensor]  # rows [N, 1] and slots [N, K] of the newest tokens

    def __init__(
        self,
        model: EncoderDecoder,
        source: Tensor,
        *,
        lanes: int,
        max_length_a: float,
        max_length_b: int,
        unknown: Unknown = "keep",
    ) -> None:
        self.model, self.memory = model, model.read(source)
        lengths = (source != PAD).sum(dim=1).tolist()  # with EOS
        self.limits = [min(int(max_length_a * length + max_length_b), model.context - 1) for length in lengths]
        self.forbidden = torch.tensor([BOS, PAD, *([UNK] if unknown == "forbid" else [])], device=source.device)
        self.tokens = source.new_empty(len(source), lanes, 0)  # [N, K, t]
        self.lineage = torch.ones(len(source), lanes, 0, dtype=torch.bool, device=source.device)
        self.scratch = torch.empty(0)
        self.layers = [_Slots(self) for _ in self.memory.layers]

    @property
    def steps(self) -> int:
        return self.tokens.shape[2]

    def closing(self) -> list[bool]:
        """Of each sentence, whether its lines are as long as they may be and the next token must be EOS."""
        return [self.steps > limit for limit in self.limits]

    def read(self, tokens: Tensor, parents: Tensor | None) -> tuple[Tensor, Tensor]:
        """Take in a token for each line [N, K], which goes on from line `parents` [N, K], or from itself.

        Logits of the next tokens [N, K, vocabulary], -inf where a token may not follow, and their logsumexp [N, K],
        which counts those as well: the model's probabilities are not changed.
        """
        position = self.steps
        if parents is not None:
            self.lineage, self.tokens = (_follow(x, parents) for x in (self.lineage, self.tokens))
        self.tokens = torch.cat([self.tokens, tokens[..., None]], dim=2)
        self._find_slots()
        logits = self.model.step(tokens, self.memory, position=position, past=self.layers)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        total = self._logsumexp(logits)
        return self._allowed(logits), total

    def _find_slots(self) -> None:
        """One for each new token, of those that no line looks at; more are made where there are too few."""
        lanes = self.lineage.shape[1]
        used = self.lineage.any(dim=1)  # [N, C]
        missing = int(used.sum(dim=1).max()) + lanes - used.shape[1]
        if missing > 0:
            self.lineage, used = (F.pad(x, (0, missing)) for x in (self.lineage, used))
        slots = used.to(torch.uint8).argsort(dim=1, stable=True)[:, :lanes]
        self.lineage.scatter_(2, slots[..., None], True)
        self.new = torch.arange(len(slots), device=slots.device)[:, None], slots

    def _logsumexp(self, logits: Tensor) -> Tensor:
        """As torch.logsumexp, in memory that is kept: to be given as much anew each step would take longer."""
        if self.scratch.shape != logits.shape:
            self.scratch = torch.empty_like(logits)
        highest = logits.amax(dim=-1, keepdim=True)
        sums = torch.sub(logits, highest, out=self.scratch).exp_().sum(dim=-1)
        return sums.log_() + highest.squeeze(-1)

    def _allowed(self, logits: Tensor) -> Tensor:
        """PAD and BOS never, EOS not as the first token, and nothing else at a line's end."""
        logits.index_fill_(2, self.forbidden, -torch.inf)
        if self.steps == 1:
            logits[..., EOS] = -torch.inf
        closing = [row for row, closes in enumerate(self.closing()) if closes]
        if closing:
            end = logits[closing, :, EOS]
            logits[closing] = -torch.inf
            logits[closing, :, EOS] = end
        return logits

    def lines(self, rows: Tensor, lanes: Tensor) -> list[list[int]]:
        """The tokens of the lines that (rows, lanes) name, without the EOS at their beginning."""
        return [line[1:] for line in self.tokens[rows, lanes].tolist()]

    def select(self, rows: list[int]) -> None:
        """Go on with these sentences alone."""
        index = torch.tensor(rows, device=self.tokens.device)
        self.memory = self.memory.select(index)
        self.limits = [self.limits[row] for row in rows]
        self.tokens, self.lineage = self.tokens[index], self.lineage[index]
        for layer in self.layers:
            layer.select(index)


def _follow(x: Tensor, parents: Tensor) -> Tensor:
    """Of [N, K, any], what the parents [N, K] have."""
    return x.gather(1, parents[..., None].expand(-1, -1, x.shape[2]))


class _Slots:
    """Keys and values of one layer: every line reads all slots at once, and sees those of its own lineage."""

    def __init__(self, lanes: Lanes) -> None:
        self.lanes = lanes
        self.buffers: list[Tensor] = []  # keys and values, [N, H, C or more, D] each

    def attend(self, mechanism: Mechanism, queries: Branches, keys: Branches, v: Tensor) -> Tensor:
        lineage, new = self.lanes.lineage, (*keys, v)
        slots = lineage.shape[2]
        if not self.buffers or slots > self.buffers[0].shape[2]:
            self._grow(new, 2 * slots)
        for buffer, tensor in zip(self.buffers, new, strict=True):
            buffer.transpose(1, 2)[self.lanes.new] = tensor.transpose(1, 2)  # [N, K, H, D]
        *kept, values = (buffer[:, :, :slots] for buffer in self.buffers)
        mask = None if lineage.shape[1] == 1 else lineage[:, None]  # [N, 1, K, C]
        return mechanism(queries, tuple(kept), values, causal=False, mask=mask)

    def _grow(self, new: Branches, slots: int) -> None:
        """Zeros, as a slot that was never used must hold a number, if only to be hidden."""
        old = self.buffers
        self.buffers = [tensor.new_zeros(*tensor.shape[:2], slots, tensor.shape[3]) for tensor in new]
        for buffer, tensor in zip(self.buffers, old, strict=False):
            buffer[:, :, : tensor.shape[2]] = tensor

    def select(self, rows: Tensor) -> None:
        self.buffers = [buffer[rows] for buffer in self.buffers]
