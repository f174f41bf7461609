"""The mean of the weights of several moments of a run (Vaswani et al., 1706.03762, sec. 6.1).

At each validation the weights alone go to `weights-<step>.ckpt` in the run's folder; the last few of them stay.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from reattend.files import atomic
from reattend.models.checkpoint import FORMAT, read_checkpoint

PATTERN = "weights-*.ckpt"


def keep(weights: dict[str, Tensor], identity: dict[str, Any], *, folder: Path, step: int, last: int) -> None:
    """Write the weights of this step, and leave the files of the `last` steps up to it."""
    save(weights, identity, folder / f"weights-{step:09}.ckpt")
    for old in sorted(folder.glob(PATTERN))[:-last]:
        old.unlink()


def save(weights: dict[str, Tensor], identity: dict[str, Any], path: Path) -> None:
    """A checkpoint to evaluate, not to go on from."""
    with atomic(path) as temporary:
        torch.save({"state_dict": weights, "reattend": {"format": FORMAT, **identity}}, temporary)


def average(paths: Sequence[Path]) -> dict[str, Tensor]:
    """The mean of checkpoints' weights, summed in float64."""
    sums: dict[str, Tensor] = {}
    kinds: dict[str, torch.dtype] = {}
    for path in paths:
        for name, value in read_checkpoint(path, setting="results_dir")["state_dict"].items():
            sums[name] = sums.get(name, torch.zeros((), dtype=torch.float64)) + value.double()
            kinds[name] = value.dtype
    return {name: (total / len(paths)).to(kinds[name]) for name, total in sums.items()}
