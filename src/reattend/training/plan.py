"""The cost of a run as a page to read before anyone spends it: `plan=true`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from reattend.data import ParallelCorpus
from reattend.records import run_name
from reattend.training.budget import Budget, budget

REACHED = 0.35  # of a GPU's peak: what large models do; small ones, whose kernels are short, reach less
SPARE = 1.5  # times the estimated memory is sure to do


class Gpu(NamedTuple):
    name: str
    gigabytes: int
    tflops: Mapping[str, float]  # dense peak by precision


GPUS = (  # NVIDIA's data sheets; float32 is without TF32, the RTX 4090's bfloat16 with float32 sums
    Gpu("A100 80 GB", 80, {"bfloat16": 312, "float32": 19.5}),
    Gpu("H100 SXM", 80, {"bfloat16": 989, "float32": 67}),
    Gpu("H200", 141, {"bfloat16": 989, "float32": 67}),
    Gpu("RTX 4090", 24, {"bfloat16": 165, "float32": 82.6}),
    Gpu("L4", 24, {"bfloat16": 121, "float32": 30.3}),
)


def plan(config: Mapping[str, Any]) -> str:
    """What `config` composes would cost, as lines to print."""
    name = run_name(config)
    found = budget(config)
    parts = found.memory
    lines = {
        "model": f"{found.cost.parameters:,} parameters, {found.cost.ends:,} of them in embeddings and output",
        "data": f"{found.corpus.name}, {found.load.what}",
        "step": _step(found),
        "run": f"{found.steps:,} steps, {_tokens(found)}, {found.epochs:,.3g} epochs of {found.steps_an_epoch:,} steps",
        "compute": f"{_power(found.flops)} FLOPs: three forward passes, without validations and final scores",
        "memory": f"about {_size(sum(parts.values()))}: {', '.join(f'{what} {_size(b)}' for what, b in parts.items())}",
        "time": f"at {100 * REACHED:.0f} % of the peak in {found.precision}; small models reach less",
    }
    page = [f"{name}: what it would cost", *(f"  {what:<8} {said}" for what, said in lines.items())]
    return "\n".join([*page, *(f"  {'':<8} {_on(gpu, found)}" for gpu in GPUS)])


def _step(found: Budget) -> str:
    batches = "a batch" if found.accumulate == 1 else f"{found.accumulate} batches"
    each = found.accumulate * found.load.examples
    if isinstance(found.corpus, ParallelCorpus):
        source, target = (f"{each * length:,.0f}" for length in found.load.example)
        most = f"at most {found.corpus.max_tokens:,} tokens a side"
        return f"{batches} of {most}: about {each:,.0f} pairs, {source} and {target} tokens without padding"
    return f"{batches} of {found.corpus.batch_size:,} x {found.corpus.context:,} {found.corpus.unit}s"


def _tokens(found: Budget) -> str:
    both = [_large(found.examples * length) for length in found.load.example]
    return f"{' and '.join(both)} {found.corpus.unit}s"


def _large(count: float) -> str:
    return f"{count / 1e9:,.2f} billion" if count >= 1e9 else f"{count / 1e6:,.1f} million"


def _power(count: float) -> str:
    digits, _, exponent = f"{count:.1e}".partition("e")
    return f"{digits} x 10^{int(exponent)}"


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"


def _on(gpu: Gpu, found: Budget) -> str:
    tflops = gpu.tflops[found.precision]
    hours = found.flops / (REACHED * tflops * 1e12) / 3600
    wanted, there = sum(found.memory.values()), gpu.gigabytes * 1e9
    fits = "does not fit" if wanted > there else "may not fit" if SPARE * wanted > there else "fits"
    return f"{gpu.name:<10} {tflops:>5.4g} TFLOP/s {_duration(hours):>8}   {gpu.gigabytes:>3} GB: {fits}"


def _duration(hours: float) -> str:
    if hours < 0.1:
        return "< 6 min"
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:,.1f} h"
