"""A run of task=likelihood that is stopped, told, finished before or asked for what cannot be."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import command, load, result
from splits_by_hand import Given, Score, saved

from reattend.evaluation.scoring import ways
from reattend.evaluation.unfinished import Interrupted
from reattend.models.checkpoint import FORMAT
from reattend.settings import SettingError


@pytest.mark.parametrize(
    ("positions", "how"),
    [
        ("rotary", {"window": 8, "stride": 3}),
        ("rotary", {"memory": 6}),
        ("sinusoidal", {"memory": 6, "beyond_context": True}),
    ],
)
def test_a_stopped_run_goes_on_and_ends_with_the_same_scores(
    score: Score, data: Given, tmp_path: Path, positions: str, how: Given, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "best.ckpt", data, positions=positions)
    whole = score(path, chunk=8, **how)
    kind = ways.Windows if "window" in how else ways.Stream
    plain, read = kind.read, list[range]()

    def counted(self: Any, piece: range) -> Any:
        if len(read) == stop:
            raise KeyboardInterrupt
        read.append(piece)
        return plain(self, piece)

    monkeypatch.setattr(kind, "read", counted)
    stop = 4
    with pytest.raises(Interrupted, match=r"stopped after 4 of \d+ parts; the same command goes on"):
        score(path, chunk=8, results_dir=str(tmp_path / "again"), **how)
    stop, before = -1, len(read)
    record = score(path, chunk=8, results_dir=str(tmp_path / "again"), **how)
    assert len(read) == len(whole.parts) and before == 4
    nats = [[part["nats"] for part in found.parts] for found in (record, whole)]
    assert nats[0] == pytest.approx(nats[1], rel=1e-5)
    a, b = (result(found) | {"parts": None, "metrics": None} for found in (record, whole))
    assert a == b


def test_at_most_a_hundred_parts(score: Score, data: Given, tmp_path: Path) -> None:
    path = saved(tmp_path / "best.ckpt", data)
    record = score(path, split="train", memory=3, chunk=10, limit=1010)
    assert len(record.parts) == 51 and {part["tokens"] for part in record.parts[:-1]} == {20}  # of 101 passes


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"stride": 3}, "sliding windows of 8, stride 3: every token but the first window's has at least 5 before its"),
        ({"stride": 1}, "sliding windows of 8, stride 1: every token but the first window's has exactly 7 before its"),
        ({}, "windows of 8 side by side: an input has 0 to 7 before it"),
        ({"window": None, "memory": 4}, "one stream, memory of 4: through 2 layers up to 8 before an input"),
    ],
)
def test_the_way_of_reading_is_said(
    score: Score, data: Given, tmp_path: Path, capsys: pytest.CaptureFixture[str], how: Given, said: str
) -> None:
    score(saved(tmp_path / "best.ckpt", data), **{"window": 8} | how)
    told = capsys.readouterr().out
    assert said in told and re.search(r"69 of 70 bytes scored: bits/byte \d+\.\d{4}; ", told)
    assert "softmax_test_seed3" in told and "on test of text" in told


def test_ways_of_reading_are_runs_of_their_own(score: Score, data: Given, tmp_path: Path) -> None:
    path = saved(tmp_path / "best.ckpt", data)
    hows: list[Given] = [
        {},
        {"window": 8},
        {"window": 8, "stride": 3},
        {"memory": 4},
        {"limit": 32},
        {"split": "valid"},
    ]
    assert len({score(path, **how).config_hash for how in hows}) == len(hows)


def test_a_moved_text_is_found_and_changed_weights_are_refused(
    data: Given, tmp_path: Path, text: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = saved(tmp_path / "best.ckpt", data | {"path": "gone"}, of=data)
    (moved := tmp_path / "moved.txt").write_bytes(text.read_bytes())
    given = ["task=likelihood", f"checkpoint={path}", f"results_dir={tmp_path / 'results'}", "progress=false"]
    assert command("evaluate", *given) == 1
    assert "data.path=gone: expected an existing file. Correct data.path." in capsys.readouterr().err
    for where in ([], ["data=text"]):
        assert command("evaluate", *given, *where, f"data.path={moved}") == 0
    told = capsys.readouterr().out
    assert told.count("finished before") == 1 and told.count("69 of 70 bytes scored") == 2
    kept = load(path)
    kept["state_dict"]["model.embedding.weight"] += 1
    torch.save(kept, path)
    assert command("evaluate", *given, f"data.path={moved}") == 1
    assert "expected the weights of the record" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": "tset"}, "split=tset: expected one of train, valid, test."),
        ({"window": 0}, "window=0: expected at least 1"),
        ({"window": "all"}, "window=all: expected a whole number or null"),
        ({"stride": 17}, "stride=17: expected at most the window (16)"),
        ({"window": 70, "beyond_context": True}, "window=70: expected at most 69, the targets of test"),
        ({"window": 17}, "window=17: expected at most 16 positions, for which the model was made; it would meet 17."),
        ({"memory": 0}, "memory=0: expected at least 1"),
        ({"memory": 16}, "memory=16: expected at most 16 positions, for which the model was made; it would meet 17."),
        ({"memory": 4, "window": 8}, "window=8: expected null with a memory"),
        ({"memory": 4, "stride": 8}, "stride=8: expected null with a memory"),
        ({"window": 8, "limit": 7}, "limit=7: expected at least 8"),
        ({"limit": 0}, "limit=0: expected at least 1"),
        ({"chunk": 0}, "chunk=0: expected at least 1"),
        ({"chunk": None}, "chunk=None: expected a whole number"),
        ({"threads": 0}, "threads=0: expected at least 1"),
        ({"beyond_context": 1}, "beyond_context=1: expected true or false"),
        ({"checkpoint": "gone.ckpt"}, "checkpoint=gone.ckpt: expected an existing checkpoint file"),
        ({"data": {"path": "gone.txt"}}, "data.path=gone.txt: expected an existing file. Correct data.path."),
    ],
)
def test_bad_input_is_one_message(score: Score, data: Given, tmp_path: Path, changes: Given, message: str) -> None:
    path = saved(tmp_path / "best.ckpt", data)
    with pytest.raises(SettingError) as told:
        score(path, **changes)
    assert str(told.value).startswith(message)


def test_another_text_or_a_translation_model_is_refused(score: Score, data: Given, tmp_path: Path) -> None:
    path = saved(tmp_path / "best.ckpt", data)
    (other := tmp_path / "other.txt").write_bytes(Path(data["path"]).read_bytes()[:-1] + b"!")
    assert score(path, split="valid", data={"path": str(other)}).parts  # that split is the same
    with pytest.raises(SettingError, match="data=text: expected the test split of the text that the model was trained"):
        score(path, data={"path": str(other)})
    torch.save({"reattend": {"format": FORMAT, "pipeline": {}}}, tmp_path / "translator.ckpt")
    with pytest.raises(SettingError, match="expected a language model; this one translates"):
        score(tmp_path / "translator.ckpt")
