"""What a job takes of this machine: its threads are set, its clock and its peak of memory begin."""

from collections.abc import Mapping
from typing import Any

import torch

from reattend.records import Clock, PeakMemory, origin
from reattend.records.record import Memory


class Meter:
    """Made when a job begins; `threads` of None leaves PyTorch's choice."""

    def __init__(self, *, threads: int | None) -> None:
        if threads is not None:
            torch.set_num_threads(threads)
        self.clock = Clock()
        self._resident = PeakMemory()
        self.forget_peak()

    def forget_peak(self) -> None:
        """What was in memory until now belongs to something else."""
        self._resident.reset()
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()

    def origin(self, config: Mapping[str, Any], *, name: str, device: torch.device) -> dict[str, Any]:
        """The fields of a record that say which run it is of, what it ran on, and the most memory it held there."""
        on_gpu = device.type == "cuda"
        accelerator = torch.cuda.get_device_name(device) if on_gpu else None
        found = origin(config, name=name, accelerator=accelerator, threads=torch.get_num_threads())
        return found | {"memory": self._on_gpu() if on_gpu else self._resident.read()}

    def _on_gpu(self) -> Memory:
        return {"peak_bytes": torch.cuda.max_memory_allocated(), "what": "cuda"}
