"""What a record says about the machine and the code is true."""

import subprocess
from pathlib import Path

import pytest

import reattend
from reattend.records import PeakMemory, git_state, hardware, package_versions
from reattend.records import memory as memory_module


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    command = ["git", "-C", str(folder), *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set when a git hook runs the tests
        monkeypatch.delenv(variable, raising=False)
    for file in ("src/code.py", "results/runs/a.json", ".gitignore"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text(".venv/\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    return tmp_path


def test_git_state_follows_the_code_and_not_the_results(repository: Path) -> None:
    clean = {"commit": git(repository, "rev-parse", "HEAD"), "dirty": False}
    assert git_state(repository / "src") == clean
    (repository / "results/runs/b.json").write_text("{}")
    assert git_state(repository / "src") == clean
    (repository / "src/new.py").write_text("")
    assert git_state(repository / "src") == {**clean, "dirty": True}


def test_no_commit_outside_git_or_where_git_ignores(repository: Path, tmp_path: Path) -> None:
    installed = repository / ".venv/site-packages"
    installed.mkdir(parents=True)
    (installed / "code.py").write_text("")
    assert git_state(installed) == {"commit": None, "dirty": None}  # not the commit of the user's own project


def test_no_commit_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) == {"commit": None, "dirty": None}


def test_versions_name_the_package_itself() -> None:
    versions = package_versions()
    assert versions["reattend"] == reattend.__version__
    assert {"python", "torch", "numpy"} <= versions.keys()


def test_hardware() -> None:
    found = hardware("A GPU", threads=3)
    assert found["accelerator"] == "A GPU"
    assert found["threads"] == 3
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 2**20
    assert found["processor"]


@pytest.mark.skipif(not memory_module.CLEAR.exists(), reason="only Linux forgets a peak")
def test_peak_memory_forgets_what_was_before() -> None:
    size = 200_000_000
    meter = PeakMemory()
    meter.reset()
    before = meter.read()["peak_bytes"]
    block = bytearray(b"x") * size  # written to, so that it is resident
    during = meter.read()["peak_bytes"]
    del block
    meter.reset()
    assert during - before > 0.9 * size
    assert meter.read()["peak_bytes"] < during - 0.9 * size
    assert meter.read()["what"] == "resident set"


@pytest.mark.skipif(not memory_module.CLEAR.exists(), reason="only Linux forgets a peak")
def test_what_an_earlier_job_left_behind_is_not_the_next_one_s() -> None:
    meter = PeakMemory()
    meter.reset()
    before = meter.read()["peak_bytes"]
    blocks = [bytearray(b"x") * 2000 for _ in range(50_000)]  # too small to be mappings of their own
    blocks[-1] = blocks  # type: ignore[call-overload]  # a cycle, as models and their trainers are
    del blocks
    meter.reset()
    assert meter.read()["peak_bytes"] < before + 20_000_000


def test_peak_memory_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_module, "CLEAR", tmp_path / "missing" / "clear_refs")
    meter = PeakMemory()
    meter.reset()
    assert meter.read()["peak_bytes"] > 2**20
    assert "since the process began" in meter.read()["what"]
