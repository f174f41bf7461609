"""Tokens per second of our softmax decoder against x-transformers' of the same sizes, in the same training step.

x-transformers (github.com/lucidrains/x-transformers) is an extra that only this suite needs.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional as F

from reattend.bench.base import VOCABULARY, WARMUP, DeviceName, Suite, named_device, training_step
from reattend.bench.measure import Spread, alternate, ratios
from reattend.models import build_model, size
from reattend.settings import SettingError, at_least, check_types

ALIKE = 0.02  # the parameter counts may differ by this share: x-transformers leaves out some biases


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What the two decoders share."""

    width: int
    layers: int
    heads: int
    context: int
    batch_size: int


class TrainingThroughput(Suite):
    """Ours over theirs, at each of `sizes`: {name: {width, layers, heads, context, batch_size}}."""

    def __init__(
        self, *, device: DeviceName, rounds: int, positions: Literal["rotary", "learned"], sizes: dict[str, Any]
    ) -> None:
        super().__init__(rounds=rounds)
        self.device = named_device(device)
        self.positions = positions
        self.sizes = {
            name: Sizes(**check_types(Sizes.__init__, values, group=f"suite.sizes.{name}", given={}))
            for name, values in sizes.items()
        }
        for name, chosen in self.sizes.items():
            at_least(f"suite.sizes.{name}.context", chosen.context, 1)
            at_least(f"suite.sizes.{name}.batch_size", chosen.batch_size, 1)
        self.peer = x_transformers()

    def run(self) -> dict[str, Any]:
        print(f"{'size':<8} {'decoder':<15} {'s/step':>9} {'tokens/s':>10} {'parameters':>12}")
        found = {name: self._compare(name, sizes).median for name, sizes in self.sizes.items()}
        return {
            "suite": "training_throughput",
            "tokens_per_second_ratio": {name: round(ratio, 4) for name, ratio in found.items()},
            "positions": self.positions,
            "device": self.device.type,
            "rounds": self.rounds,
        }

    def _compare(self, name: str, sizes: Sizes) -> Spread:
        models = {
            "reattend": ours(sizes, self.positions),
            "x-transformers": theirs(self.peer, sizes, self.positions),
        }
        counts = {library: size(model) for library, model in models.items()}
        refuse_unlike(counts)
        steps = {
            library: training_step(
                model, cross_entropy(model), batch_size=sizes.batch_size, context=sizes.context, device=self.device
            )
            for library, model in models.items()
        }
        seconds = alternate(steps, rounds=self.rounds, warmup=WARMUP, settle=self.settle)
        for library in models:
            median = statistics.median(seconds[library])
            tokens = sizes.batch_size * sizes.context / median
            print(f"{name:<8} {library:<15} {median:>9.4f} {tokens:>10,.0f} {counts[library]:>12,}")
        faster = ratios(seconds["x-transformers"], seconds["reattend"])  # of speeds, so inverted
        print(f"{name:<8} tokens/s x {faster}")
        return faster


def x_transformers() -> ModuleType:
    """The library, or how to get it."""
    try:
        import x_transformers as library
    except ModuleNotFoundError:
        expected = "x-transformers to be installed, which this suite compares with"
        raise SettingError("suite", "training_throughput", expected, "Run `make bench`, which installs it.") from None
    return library


def ours(sizes: Sizes, positions: str) -> nn.Module:
    """A pre-norm decoder with GELU, feed-forward 4 x width and tied embeddings."""
    shape = {"width": sizes.width, "layers": sizes.layers, "heads": sizes.heads, "positions": positions}
    return build_model(
        {"architecture": "decoder", **shape},
        attention={"name": "softmax"},
        vocabulary=VOCABULARY,
        context=sizes.context,
        seed=1,
    )


def theirs(library: ModuleType, sizes: Sizes, positions: str) -> nn.Module:
    """The same in x-transformers' words, with its fused attention. Its attention has no biases."""
    head_width = sizes.width // sizes.heads
    layers = library.Decoder(
        dim=sizes.width,
        depth=sizes.layers,
        heads=sizes.heads,
        attn_dim_head=head_width,
        attn_flash=True,
        rotary_pos_emb=positions == "rotary",
        rotary_emb_dim=head_width,  # all of a head turns, as ours; its own default is half
        ff_mult=4,
    )
    return library.TransformerWrapper(
        num_tokens=VOCABULARY,
        max_seq_len=sizes.context,
        attn_layers=layers,
        tie_embedding=True,
        use_abs_pos_emb=positions == "learned",
    )


def cross_entropy(model: nn.Module) -> Callable[[Tensor, Tensor], Tensor]:
    """The mean -ln p of the next token, from the logits of either decoder."""

    def loss(inputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(model(inputs).flatten(0, 1).float(), targets.flatten())

    return loss


def refuse_unlike(counts: dict[str, int]) -> None:
    """Two decoders of unlike size do not do the same work, whatever their options say."""
    low, high = min(counts.values()), max(counts.values())
    if high > (1 + ALIKE) * low:
        raise RuntimeError(f"the decoders are unlike, a ratio would mean nothing: parameters {counts}")
