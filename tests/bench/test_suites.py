"""Both suites end to end at the smallest sizes, and what they refuse."""

import builtins
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import SCRIPTS, compose

from reattend.bench import build_suite
from reattend.bench.training_throughput import refuse_unlike
from reattend.settings import SettingError

TINY = ("suite.rounds=2", "suite.context=8", "suite.width=16", "suite.heads=2", "suite.layers=1", "suite.batch_size=2")
MISSING = importlib.util.find_spec("x_transformers") is None


def bench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPTS / "bench.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_attention_step_ends_in_one_line_of_ratios_and_leaves_no_file(tmp_path: Path) -> None:
    told = bench(tmp_path, "suite=attention_step", "suite.device=cpu", *TINY)
    assert told.returncode == 0, told.stderr
    *table, last = told.stdout.splitlines()
    found = json.loads(last)
    assert found["step_time_ratio"] > 0 and found["peak_memory_ratio"] > 0
    added, plain = 8 * 9 + 1, 256 * 16 + 12 * 16 * 16 + 13 * 16 + 2 * 16  # W_Q^- with bias and lambda; the decoder
    assert found["parameter_overhead_percent"] == pytest.approx(100 * added / plain, abs=1e-3)
    told_of = {key: found[key] for key in ("suite", "mechanism", "baseline", "context", "width", "device", "rounds")}
    assert told_of == {
        "suite": "attention_step",
        "mechanism": "dagpam",
        "baseline": "softmax",
        "context": 8,
        "width": 16,
        "device": "cpu",
        "rounds": 2,
    }
    assert f"{plain + added:,}" in table[1] and f"{plain:,}" in table[2]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(MISSING, reason="x-transformers is not installed (make bench installs it)")
@pytest.mark.parametrize("positions", ["rotary", "learned"])
def test_training_throughput_ends_in_one_line_of_ratios(tmp_path: Path, positions: str) -> None:
    small = [f"suite.sizes.small.{key}" for key in ("context=8", "width=32", "layers=1", "batch_size=2")]
    options = ("suite.device=cpu", "suite.rounds=2", f"suite.positions={positions}", "~suite.sizes.large", *small)
    told = bench(tmp_path, "suite=training_throughput", *options)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout.splitlines()[-1])
    assert found["tokens_per_second_ratio"].keys() == {"small"} and found["tokens_per_second_ratio"]["small"] > 0
    assert (found["positions"], found["device"], found["rounds"]) == (positions, "cpu", 2)


def test_without_x_transformers_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name == "x_transformers":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SettingError, match="make bench"):
        build_suite(compose("bench", "suite=training_throughput")["suite"])


def test_decoders_of_unlike_size_are_not_compared() -> None:
    refuse_unlike({"ours": 1_000_000, "theirs": 1_019_000})
    with pytest.raises(RuntimeError, match="unlike"):
        refuse_unlike({"ours": 1_000_000, "theirs": 1_100_000})


def test_a_bad_size_is_named() -> None:
    with pytest.raises(SettingError, match=r"suite\.sizes\.small\.batch_size=0: expected at least 1"):
        build_suite(compose("bench", "suite=training_throughput", "suite.sizes.small.batch_size=0")["suite"])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("suite.rounds=0", "suite.rounds=0: expected at least 1"),
        ("suite.rounds=few", "suite.rounds=few: expected a whole number"),
        ("suite.device=tpu", "suite.device=tpu: expected one of auto, cpu, cuda"),
        ("suite.context=0", "suite.context=0: expected at least 1"),
        ("suite.batch_size=0", "suite.batch_size=0: expected at least 1"),
        ("suite.positions=none", "suite.positions=none: expected one of rotary, learned, sinusoidal"),
        ("+suite.round=5", "suite.round=5: expected a known option"),
    ],
)
def test_a_bad_setting_is_named(override: str, message: str) -> None:
    with pytest.raises(SettingError) as refused:
        build_suite(compose("bench", override)["suite"])
    assert message in str(refused.value)


def test_cuda_is_refused_without_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(SettingError, match=r"suite\.device=cuda: expected a machine with a CUDA GPU"):
        build_suite(compose("bench", "suite.device=cuda")["suite"])


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("attention@suite.mechanism=hardmax", ("hardmax", "dagpam", "softmax")),
        ("suite.rounds=0", ("suite.rounds=0: expected at least 1",)),
    ],
)
def test_the_script_says_what_is_wrong_without_a_trace(tmp_path: Path, override: str, parts: tuple[str, ...]) -> None:
    told = bench(tmp_path, "suite=attention_step", override)
    assert told.returncode == 1 and told.stdout == ""
    assert all(part in told.stderr for part in parts) and "Traceback" not in told.stderr
