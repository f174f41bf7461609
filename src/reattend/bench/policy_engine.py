"""A cache policy at the speed of a forward pass: time and memory of reading a real text, by a pretrained decoder.

1. One pass over a text against the same policy token by token, both with the logits of each token: speeds. Token by
   token, only the last tokens of the text are read and timed, after a pass over those before them: with a full state,
   as all but the first `size` tokens of a text are read.
2. The same policy at several sizes against the model's own attention to everything: times. No logits are computed on
   either side, and full attention reads the text at once.
3. Texts of doubled lengths: times, and the peak of memory beyond the weights, each in a process of its own.
"""

import statistics
from functools import partial
from itertools import pairwise
from typing import Any

import torch

from reattend.bench.base import Suite
from reattend.bench.measure import Spread, Step, alternate, peak_memory, ratios
from reattend.bench.reading import Reader, prepare
from reattend.cache import Policy, build_policy
from reattend.settings import SettingError, at_least, typed

Side = tuple[int, int | None]  # tokens read, size of the state; None: full attention


class PolicyEngine(Suite):
    """`policy` on `lm`, reading the first text of `data`; all three are options of conf/."""

    def __init__(
        self,
        *,
        rounds: int,
        chunk: int | None,
        tokens: int,
        steps: int,
        full_attention: list[Any],
        lengths: list[Any],
        beyond_context: bool,
        lm: dict[str, Any],
        policy: dict[str, Any],
        data: dict[str, Any],
    ) -> None:
        super().__init__(rounds=rounds)
        at_least("suite.chunk", chunk, 1)
        at_least("suite.steps", steps, 1)
        _refuse_unfit(policy)
        self.policy, self.size = policy, policy["size"]
        self.pairs = [_pair(pair) for pair in full_attention]
        self.lengths = _doubled(lengths)
        self.rules = {size: self._rule(size) for size in (self.size, *(size for _, size in self.pairs))}
        at_least("suite.tokens", tokens, steps * rounds + self.size)  # else the state would not be full
        self.chunk, self.tokens, self.steps, self.beyond_context = chunk, tokens, steps, beyond_context
        self.lm, self.data = lm, data

    def _rule(self, size: int) -> Policy:
        return build_policy(self.policy | {"size": size})

    def run(self) -> dict[str, Any]:
        reader = self._reader()
        self.device, about = reader.device, {"lm": reader.lm.name, "dtype": reader.lm.dtype}
        print(reader)
        print(f"{'':<24} {'tokens':>7} {'size':>6} {'s':>9} {'tokens/s':>9}")
        faster, kept = self._token_by_token(reader)
        seconds = self._passes(reader)
        over_full = {f"{t}/{size}": ratios(seconds[t, size], seconds[t, None]) for t, size in self.pairs}
        doubling = {str(t): ratios(seconds[2 * t, self.size], seconds[t, self.size]) for t in self.lengths[:-1]}
        about["full_attention"] = reader.attention
        del reader  # a GPU may not hold it beside those whose memory is measured
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        peaks = self._peaks()

        print(f"tokens/s, one pass over token by token  x {faster}")
        for pair, ratio in over_full.items():
            print(f"time, {self.policy['name']} over full attention, {pair:<9}  x {ratio}")
        for length, ratio in doubling.items():
            print(f"time, {2 * int(length)} over {length} tokens  x {ratio}")
        print(f"peak beyond the weights, {self.lengths[-1]} over {self.lengths[0]} tokens  x {peaks[1] / peaks[0]:.3f}")
        return {
            "suite": "policy_engine",
            "policy": self.policy["name"],
            "size": self.size,
            "one_pass_over_token_by_token": round(faster.median, 4),
            "time_over_full_attention": {pair: round(ratio.median, 4) for pair, ratio in over_full.items()},
            "doubling": {length: round(ratio.median, 4) for length, ratio in doubling.items()},
            "memory_ratio": round(peaks[1] / peaks[0], 4),
            "state_bytes": kept,
            **about,
            "tokens": self.tokens,
            "steps": self.steps,
            "lengths": self.lengths,
            "chunk": self.chunk,
            "device": self.device.type,
            "rounds": self.rounds,
        }

    def _reader(self) -> Reader:
        longest = max([self.tokens, *self.lengths, *(tokens for tokens, _ in self.pairs)])
        reader = Reader(self.lm, self.data, tokens=longest, chunk=self.chunk)
        context = reader.lm.context
        if context is not None and longest > context and not self.beyond_context:
            expected = f"true, as the longest text has {longest} tokens and the model was made for {context} positions"
            fix = "Or lower suite.tokens, suite.lengths and suite.full_attention."
            raise SettingError("suite.beyond_context", "false", expected, fix)
        reader.under(self.rules[self.size], 2)  # compiles the scan
        return reader

    def _token_by_token(self, reader: Reader) -> tuple[Spread, int]:
        """Speed of one pass over that of single tokens; the bytes of a full state."""
        rule = self.rules[self.size]
        single, cache = reader.one_by_one(rule, self.tokens, steps=self.steps, rounds=self.rounds)
        sides: dict[str, Step] = {"one pass": partial(reader.scored, rule, self.tokens), "token by token": single}
        seconds = alternate(sides, rounds=self.rounds, warmup=0, settle=self.settle)
        read = {"one pass": self.tokens, "token by token": self.steps}
        for side, count in read.items():
            self._line(f"{side}, logits", count, self.size, seconds[side])
        each = {side: [second / count for second in seconds[side]] for side, count in read.items()}
        kept = sum(state.kept_bytes() for state in cache.states)
        print(f"{'keys and values, MiB':<24} {self.tokens:>7,} {self.size:>6} {kept / 2**20:>9.1f}")
        return ratios(each["token by token"], each["one pass"]), kept  # of speeds, so inverted

    def _passes(self, reader: Reader) -> dict[Side, list[float]]:
        """Seconds of all passes without logits, those over texts of one length after another."""
        sides: set[Side] = {*self.pairs, *((t, None) for t, _ in self.pairs), *((t, self.size) for t in self.lengths)}
        steps: dict[Side, Step] = {
            (t, size): partial(reader.full, t) if size is None else partial(reader.under, self.rules[size], t)
            for t, size in sorted(sides, key=lambda side: (side[0], side[1] or 0))
        }
        print(f"... {self.rounds} rounds of {len(steps)} passes without logits", flush=True)  # minutes on a CPU
        seconds = alternate(steps, rounds=self.rounds, warmup=0, settle=self.settle)
        for (t, size), found in seconds.items():
            self._line("full attention" if size is None else self.policy["name"], t, size, found)
        return seconds

    def _peaks(self) -> tuple[int, int]:
        """Bytes beyond the weights, of the shortest and the longest text."""
        options = {"lm": self.lm, "data": self.data, "policy": self.policy, "chunk": self.chunk}
        found = []
        for tokens in (self.lengths[0], self.lengths[-1]):
            peak = peak_memory(prepare, steps=1, device=self.device, tokens=tokens, **options).steps
            print(f"{'peak of memory, MiB':<24} {tokens:>7,} {self.size:>6} {peak / 2**20:>9.1f}", flush=True)
            found.append(peak)
        return found[0], found[1]

    def _line(self, side: str, tokens: int, size: int | None, seconds: list[float]) -> None:
        median = statistics.median(seconds)
        print(f"{side:<24} {tokens:>7,} {size or '':>6} {median:>9.3f} {tokens / median:>9,.0f}", flush=True)


def _refuse_unfit(policy: dict[str, Any]) -> None:
    """A message for policies that have no size, or of which one pass is not the same as token by token."""
    if "size" not in policy:
        expected = "a policy that bounds the state, by its size"
        raise SettingError(
            "suite.policy", policy["name"], expected, "Choose another, such as policy@suite.policy=tova."
        )
    if policy.get("prefill", "exact") != "exact":
        expected = "exact: otherwise one pass does not do what token by token does"
        raise SettingError("suite.policy.prefill", policy["prefill"], expected, "Leave suite.policy.prefill out.")


def _pair(pair: Any) -> tuple[int, int]:
    """[tokens, size], both checked."""
    if not isinstance(pair, list) or len(pair) != 2:
        expected = "pairs [tokens, size], such as [[4096, 256]]"
        raise SettingError("suite.full_attention", pair, expected, "Give suite.full_attention such pairs.")
    tokens, size = (typed("suite.full_attention", number, int) for number in pair)
    at_least("suite.full_attention", min(tokens, size), 1)
    return tokens, size


def _doubled(lengths: list[Any]) -> list[int]:
    for length in lengths:
        at_least("suite.lengths", typed("suite.lengths", length, int), 1)
    if len(lengths) < 2 or any(long != 2 * short for short, long in pairwise(lengths)):
        expected = "two lengths or more, each twice the one before"
        raise SettingError("suite.lengths", lengths, expected, "Set it to such as [1024,2048].")
    return lengths
