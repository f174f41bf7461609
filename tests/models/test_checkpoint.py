"""Checkpoint files are read without running code of theirs; whatever else they hold is one message."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reattend.models.checkpoint import FORMAT, read_checkpoint
from reattend.settings import SettingError

GOOD = {"reattend": {"format": FORMAT}, "state_dict": {"weight": torch.arange(2000.0)}}


def refusal(path: Path) -> str:
    with pytest.raises(SettingError) as refused:
        read_checkpoint(path, setting="resume")
    told = str(refused.value)
    assert told.startswith(f"resume={path}: expected ") and "\n" not in told
    return told


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoint") / "last.ckpt"


def test_a_whole_checkpoint_is_read(file: Path) -> None:
    torch.save(GOOD, file)
    assert torch.equal(read_checkpoint(file, setting="resume")["state_dict"]["weight"], torch.arange(2000.0))


@given(kept=st.floats(0, 1, exclude_max=True))
def test_cut_anywhere(file: Path, kept: float) -> None:
    torch.save(GOOD, file)
    os.truncate(file, int(kept * file.stat().st_size))
    assert "a whole checkpoint; this one is cut short or damaged (" in refusal(file)


@given(content=st.binary(max_size=300))
def test_other_bytes(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    refusal(file)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x80\x02}q\x00", b"{}", b"\x1f\x8b", b"ustar", b"\x80\x04\x95"])
@given(content=st.binary(max_size=100))
def test_other_formats(file: Path, start: bytes, content: bytes) -> None:
    file.write_bytes(start + content)
    refusal(file)


@pytest.mark.parametrize(
    "content",
    [
        {"state_dict": {}},
        [1, 2],
        torch.zeros(2),
        {"reattend": 3},
        {"reattend": {"format": FORMAT + 1}},
        {"reattend": None},
    ],
    ids=repr,
)
def test_files_of_other_programs(file: Path, content: Any) -> None:
    torch.save(content, file)
    assert f"a checkpoint of this program, format {FORMAT}" in refusal(file)


class Opened:
    """Unpickling it makes a folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


def test_code_in_a_checkpoint_is_not_run(file: Path) -> None:
    trace = file.with_name("trace")
    torch.save(GOOD | {"more": Opened(trace)}, file)
    refusal(file)
    assert not trace.exists()
    torch.load(file, weights_only=False)
    assert trace.exists()  # so the file would have done it


def test_missing_files_and_folders(file: Path) -> None:
    for path in (file.with_name("gone.ckpt"), file.parent):
        assert "an existing checkpoint file" in refusal(path)
