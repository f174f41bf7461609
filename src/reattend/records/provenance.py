"""Where a run comes from: configuration, commit, package versions, hardware, and when it was."""

import importlib.metadata
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reattend.records.identity import config_hash
from reattend.records.record import SCHEMA, Git, Hardware, When

# What decides a result. Records, tables and notes may change without making the code another one.
CODE = (":/src", ":/conf", ":/scripts", ":/pyproject.toml", ":/constraints.txt")
PACKAGES = (
    *("reattend", "torch", "pytorch-lightning", "hydra-core", "omegaconf", "numpy"),
    *("transformers", "tokenizers", "numba", "gguf", "sacrebleu", "sacremoses", "subword-nmt"),
)


def origin(config: Mapping[str, Any], *, name: str, accelerator: str | None, threads: int) -> dict[str, Any]:
    """The fields of a record that say which run it is of and what it ran on, whatever was done."""
    return {
        "schema": SCHEMA,
        "name": name,
        "config": dict(config),
        "config_hash": config_hash(config),
        "seed": config["seed"],
        "git": git_state(Path(__file__).parent),
        "versions": package_versions(),
        "hardware": hardware(accelerator, threads),
    }


class Clock:
    """Started with a run."""

    def __init__(self) -> None:
        self._started, self._clock = datetime.now(UTC), time.perf_counter()

    def read(self) -> When:
        """When the run began, that it ends now, and the seconds in between."""
        return {
            "started": self._started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "wall_seconds": time.perf_counter() - self._clock,
        }


def git_state(folder: Path) -> Git:
    """The commit `folder` belongs to; nothing where git does not keep it, as after a plain `pip install`."""
    if not _git(folder, "ls-files", "."):
        return {"commit": None, "dirty": None}
    changed = _git(folder, "status", "--porcelain", "--", *CODE)
    return {"commit": _git(folder, "rev-parse", "HEAD"), "dirty": None if changed is None else changed != ""}


def _git(folder: Path, *arguments: str) -> str | None:
    # no optional locks: several jobs of a sweep may ask at once
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return None


def package_versions() -> dict[str, str]:
    """The versions of Python and of the packages that can change a number."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def hardware(accelerator: str | None, threads: int) -> Hardware:
    """What a run ran on; `accelerator` is the GPU's name, or None."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": usable or 1,
        "threads": threads,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "accelerator": accelerator,
    }


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.exists():
        for line in described.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
