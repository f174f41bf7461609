"""Decoding within a budget of memory: what a bounded state is for (arXiv 2401.06104, section 6.3 and Table 1).

A sequence's keys and values take 2 * layers * key-value heads * head width * entries numbers. Of a smaller state more
sequences fit into the same memory, and all of them share each read of the weights: a step of many sequences takes
little longer than a step of one. So the gain is one of the batch, and three things are told apart:

    bytes of a sequence -> the largest batch, budget / bytes -> tokens/s of that batch;   and the time of a step of one

Each side has read `history` tokens of a text when its last step is timed; the rows of a batch are copies of that one
sequence. Every side is timed in turn with the full cache, whose own line is of its times in all of these rounds. Peers
are transformers' own caches: full ones that grow (dynamic) or are allocated at once (static), and a sliding window of
the smallest size. Bytes are those of the kept entries: what an allocator or a growing buffer holds beyond them is not
counted, on any side.
"""

import statistics
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from reattend.bench.base import Suite
from reattend.bench.caches import Dynamic, Ours, Side, Sliding, Static
from reattend.bench.measure import Spread, Step, alternate, ratios
from reattend.bench.reading import Reader
from reattend.settings import SettingError, at_least, typed

WARMUP = 1  # rounds that are not counted: the first step allocates


@dataclass(frozen=True)
class Measured:
    """One side beside the full cache."""

    side: Side
    batch: int  # sequences that the budget has room for
    one: list[float]  # seconds of a step of one sequence, by round
    all: list[float]  # and of that batch
    slower: Spread  # a step of one sequence, over that of the full cache
    faster: Spread  # tokens/s of the largest batches, over the full cache's
    full: dict[str, list[float]]  # the full cache's seconds of a step in these rounds: one sequence, its batch

    @property
    def tokens_per_second(self) -> float:
        return self.batch / statistics.median(self.all)


class Throughput(Suite):
    """`policy` in several sizes on `lm`, which writes on from the first text of `data`; all are options of conf/."""

    def __init__(
        self,
        *,
        rounds: int,
        history: int,
        budget_mib: int,
        sizes: list[Any],
        steps: int,
        chunk: int | None,
        peers: bool,
        beyond_context: bool,
        lm: dict[str, Any],
        policy: dict[str, Any],
        data: dict[str, Any],
    ) -> None:
        super().__init__(rounds=rounds)
        at_least("suite.steps", steps, 1)
        at_least("suite.budget_mib", budget_mib, 1)
        at_least("suite.chunk", chunk, 1)
        self.steps, self.budget, self.chunk, self.peers = steps, budget_mib * 2**20, chunk, peers
        self.sizes = sorted(typed("suite.sizes", size, int) for size in sizes)
        if not self.sizes:
            raise SettingError("suite.sizes", "[]", "at least one size of a state", "Set it to such as [256].")
        self.decoded = 2 * steps * (rounds + WARMUP)
        at_least("suite.sizes", self.sizes[0], 1)
        at_least("suite.history", history, self.decoded + self.sizes[-1])
        if "size" not in policy:
            expected = "a policy that bounds the state, by its size"
            raise SettingError("suite.policy", policy["name"], expected, "Choose policy@suite.policy=tova.")
        self.history, self.beyond_context = history, beyond_context
        self.lm, self.policy, self.data = lm, policy, data

    def run(self) -> dict[str, Any]:
        reader = Reader(self.lm, self.data, tokens=self.history, chunk=self.chunk)
        self._refuse_beyond(reader.lm.context)
        self.device = reader.device
        start = self.history - self.decoded
        print(reader)
        print(f"{self.history:,} tokens read; {self.budget / 2**20:,.0f} MiB for all keys and values of a batch")
        print(f"{'':<24} {'size':>6} {'MiB each':>9} {'ms of one':>10} {'batch':>6} {'tokens/s':>9} {'over full':>10}")
        full = Ours(reader, {"name": "full"}, tokens=start)
        found = [self._measured(reader, side, full) for side in self._sides(reader, full, start)]
        found.insert(0, self._of_all(full, found))
        return {
            "suite": "throughput",
            "sides": [_plain(one) for one in found],
            "history": self.history,
            "budget_mib": self.budget // 2**20,
            "lm": reader.lm.name,
            "dtype": reader.lm.dtype,
            "device": self.device.type,
            "steps": self.steps,
            "rounds": self.rounds,
        }

    def _sides(self, reader: Reader, full: Ours, tokens: int) -> Any:
        """One after the other, so that only one is in memory beside the full cache."""
        for size in self.sizes:
            yield Ours(reader, self.policy | {"size": size}, tokens=tokens)
        if self.peers:
            yield Dynamic(full, tokens=tokens)
            yield Static(full, tokens=tokens, longest=self.history, config=reader.model.config)
            yield Sliding(Ours(reader, {"name": "window", "size": self.sizes[0]}, tokens=tokens), tokens=tokens)

    def _measured(self, reader: Reader, side: Side, full: Ours) -> Measured:
        batches = {"full": self._batch(full), "side": self._batch(side)}
        of = {"full": full, "side": side}
        times: dict[str, dict[str, list[float]]] = {}
        for what, rows in (("one", dict.fromkeys(batches, 1)), ("all", batches)):
            steps = {name: self._decoding(reader, of[name].of(count), count) for name, count in rows.items()}
            seconds = alternate(steps, rounds=self.rounds, warmup=WARMUP, settle=self.settle)
            times[what] = {name: [second / self.steps for second in found] for name, found in seconds.items()}
            del steps
        slower = ratios(times["one"]["side"], times["one"]["full"])
        per_step = ratios(times["all"]["full"], times["all"]["side"])
        gain = batches["side"] / batches["full"]
        faster = Spread(gain * per_step.low, gain * per_step.median, gain * per_step.high)
        theirs = {what: times[what]["full"] for what in times}
        found = Measured(side, batches["side"], times["one"]["side"], times["all"]["side"], slower, faster, theirs)
        self._print(found)
        return found

    def _of_all(self, full: Ours, found: list[Measured]) -> Measured:
        """The full cache itself, in all the rounds of the others."""
        one, batch = ([second for side in found for second in side.full[what]] for what in ("one", "all"))
        itself = Spread(1.0, 1.0, 1.0)
        whole = Measured(full, self._batch(full), one, batch, itself, itself, {"one": one, "all": batch})
        self._print(whole)
        return whole

    def _print(self, found: Measured) -> None:
        side = found.side
        one = 1000 * statistics.median(found.one)
        print(
            f"{side.name:<24} {side.size or '':>6} {side.sequence_bytes() / 2**20:>9.1f} {one:>10.1f} "
            f"{found.batch:>6} {found.tokens_per_second:>9,.1f}  x {found.faster}",
            flush=True,
        )

    def _batch(self, side: Side) -> int:
        rows = self.budget // side.sequence_bytes()
        if rows < 1:
            need = -(-side.sequence_bytes() // 2**20)
            expected = f"at least {need}, what one sequence of {self.history} tokens takes with {side.name}"
            raise SettingError("suite.budget_mib", self.budget // 2**20, expected, "Raise it, or lower suite.history.")
        return rows

    def _decoding(self, reader: Reader, cache: Any, rows: int) -> Step:
        """A step that writes `steps` tokens of each row, always the likeliest."""
        return partial(_decode, reader.model, cache, reader.ids[:, :1].repeat(rows, 1), self.steps)

    def _refuse_beyond(self, context: int | None) -> None:
        if context is not None and self.history > context and not self.beyond_context:
            expected = f"at most {context} tokens, the positions that the model was made for"
            raise SettingError("suite.history", self.history, expected, "Or set suite.beyond_context=true.")


@torch.no_grad()
def _decode(model: Any, cache: Any, token: torch.Tensor, steps: int) -> None:
    for _ in range(steps):
        logits = model(input_ids=token, past_key_values=cache).logits[:, -1]
        token.copy_(logits.argmax(dim=-1, keepdim=True))


def _plain(found: Measured) -> dict[str, Any]:
    """As a line of JSON holds it."""
    return {
        "name": found.side.name,
        "size": found.side.size,
        "kv_bytes": found.side.sequence_bytes(),
        "milliseconds_of_one": round(1000 * statistics.median(found.one), 3),
        "one_over_full": round(found.slower.median, 4),
        "batch": found.batch,
        "tokens_per_second": round(found.tokens_per_second, 2),
        "over_full": round(found.faster.median, 4),
        "over_full_range": [round(found.faster.low, 4), round(found.faster.high, 4)],
    }
