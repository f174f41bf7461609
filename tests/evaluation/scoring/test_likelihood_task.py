"""A split's score is that of plain passes, token by token or under a mask, in each way of reading."""

import math
from pathlib import Path

import numpy as np
import pytest
from composed import SMALL, compose
from splits_by_hand import CONTEXT, Given, Score, one_by_one, saved, tokens_of, under_a_band
from tiny import options

from reattend.data.corpus import Corpus
from reattend.settings import SettingError
from reattend.training.job import run_job


def words_corpus(folder: Path) -> Given:
    """Lines of made-up words; `data=words`."""
    draw = np.random.default_rng(1)
    names = [f"w{i}" for i in range(12)]
    for split, lines in (("train", 40), ("valid", 12), ("test", 14)):
        text = "".join(" ".join(draw.choice(names, size=draw.integers(1, 6))) + "\n" for _ in range(lines))
        (folder / f"{split}.txt").write_text(text)
    files = {
        "train": [str(folder / "train.txt")],
        **{split: str(folder / f"{split}.txt") for split in ("valid", "test")},
    }
    return options("data")["words"] | files | {"context": CONTEXT, "batch_size": 2, "valid_limit": None}


@pytest.mark.parametrize(("window", "stride"), [(None, None), (7, None), (16, 4), (10, 9), (8, 1), (16, 16)])
@pytest.mark.parametrize("attention", ["softmax", "dagpam"])
def test_windows_score_as_a_pass_for_each_token(
    score: Score, data: Given, tmp_path: Path, attention: str, window: int | None, stride: int | None
) -> None:
    path, tokens = saved(tmp_path / "best.ckpt", data, attention=attention), tokens_of(data)
    record = score(path, window=window, stride=stride, chunk=40)
    wide = window or CONTEXT
    nats = one_by_one(path, tokens, window=wide, stride=stride or wide)
    metric = record.metrics["nats_per_token"]
    assert (metric.sum, metric.count) == (pytest.approx(math.fsum(nats), rel=1e-5), len(tokens) - 1)
    assert record.metrics["bits_per_byte"].value == pytest.approx(math.fsum(nats) / math.log(2) / 69, rel=1e-5)
    assert "nats_per_word" not in record.metrics and record.state == {"entries_per_layer": 0, "kv_bytes": 0}
    assert (record.seed, record.lm["name"]) == (3, f"{attention}_test_seed3")
    assert record.data["documents"][0]["title"] == "test" and record.data["documents"][0]["characters"] == 70
    assert record.config["attention"]["name"] == attention and f"_{attention}_test_seed3_" in record.name


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("memory", [1, 5, 15])
@pytest.mark.parametrize("attention", ["softmax", "dagpam"])
def test_a_memory_is_a_band_in_each_layer(
    score: Score, data: Given, tmp_path: Path, attention: str, memory: int, layers: int
) -> None:
    path = saved(tmp_path / "best.ckpt", data, attention=attention, layers=layers)
    nats = under_a_band(path, tokens_of(data), memory=memory)
    record = score(path, memory=memory, chunk=9)
    assert [part["start"] for part in record.parts] == list(range(0, 69, 9))
    for part in record.parts:
        wanted = math.fsum(nats[part["start"] : part["start"] + part["tokens"]])
        assert part["nats"] == pytest.approx(wanted, rel=1e-5)
    assert sum(part["tokens"] for part in record.parts) == 69
    assert record.state == {"entries_per_layer": memory, "kv_bytes": memory * layers * 2 * 8 * 4}


def test_a_memory_of_the_whole_split_is_one_full_pass(score: Score, data: Given, tmp_path: Path) -> None:
    path, tokens = saved(tmp_path / "best.ckpt", data), tokens_of(data)
    plain = math.fsum(under_a_band(path, tokens, memory=len(tokens)))
    nats = [
        score(path, beyond_context=True, **how).metrics["nats_per_token"].sum
        for how in ({"memory": 99}, {"window": 69})
    ]
    assert nats == pytest.approx([plain, plain], rel=1e-5)
    nats = one_by_one(path, tokens[:17], window=16, stride=16)
    assert score(path, memory=99, limit=16).metrics["nats_per_token"].sum == pytest.approx(math.fsum(nats), rel=1e-5)


def test_the_final_score_of_a_training_is_found_again(score: Score, text: Path, tmp_path: Path) -> None:
    results = tmp_path / "trained"
    trained = run_job(compose("train", *SMALL, f"data.path={text}", f"results_dir={results}", "trainer.max_steps=2"))
    path = results / "checkpoints" / trained.name / "best.ckpt"
    for split in ("valid", "test"):
        found, wanted = score(path, split=split).metrics["bits_per_byte"], trained.metrics[f"{split}/bits_per_byte"]
        assert (found.value, found.count) == (pytest.approx(wanted.value, rel=1e-6), wanted.count)


@pytest.mark.parametrize("cutoffs", [None, [4, 9]])
@pytest.mark.parametrize("how", [{"window": 8, "stride": 3}, {"memory": 6}])
def test_words_count_as_words(score: Score, tmp_path: Path, how: Given, cutoffs: list[int] | None) -> None:
    data = words_corpus(tmp_path)
    path = saved(tmp_path / "best.ckpt", data, cutoffs=cutoffs, cutoff_factor=2.0)
    text, tokens = (tmp_path / "test.txt").read_text(), tokens_of(data)
    record = score(path, chunk=16, **how)
    nats = one_by_one(path, tokens, **how) if "window" in how else under_a_band(path, tokens, memory=6)
    assert record.metrics["nats_per_word"].sum == pytest.approx(math.fsum(nats), rel=1e-5)
    assert record.metrics["nats_per_word"].count == len(text.split()) + text.count("\n") - 1
    assert "bits_per_byte" not in record.metrics and record.data["unit"] == "word"
    assert record.data["documents"][0]["tokens"] == len(tokens)
    assert record.data["documents"][0]["characters"] == len(text) + text.count("\n")  # a line ends with a blank


def test_a_split_of_bytes_whose_words_are_known_is_scored_by_word_too(
    score: Score, data: Given, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Corpus, "words_of", lambda self, split: {"test": 13}[split])
    path = saved(tmp_path / "best.ckpt", data)
    record = score(path)
    assert record.metrics["nats_per_word"].value == pytest.approx(record.metrics["nats_per_token"].sum / 13)
    assert "nats_per_word" not in score(path, limit=32).metrics


def test_a_limit_takes_whole_windows_or_the_first_of_the_stream(
    score: Score, data: Given, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, tokens = saved(tmp_path / "best.ckpt", data), tokens_of(data)
    nats = one_by_one(path, tokens, window=8, stride=4)
    record = score(path, window=8, stride=4, limit=10, chunk=1)
    assert [part["tokens"] for part in record.parts] == [4, 4]
    for part in record.parts:
        first = part["start"] + 8 - 4  # the window scores its last four
        assert part["nats"] == pytest.approx(math.fsum(nats[first : first + 4]), rel=1e-5)
    nats = under_a_band(path, tokens, memory=4)
    assert score(path, memory=4, limit=10).metrics["nats_per_token"].sum == pytest.approx(
        math.fsum(nats[:10]), rel=1e-5
    )


@pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
def test_positions_that_were_never_seen_are_refused(score: Score, data: Given, tmp_path: Path, positions: str) -> None:
    path = saved(tmp_path / "best.ckpt", data, positions=positions)
    tokens, told = tokens_of(data), "memory=4: expected at most 16 positions, for which the model was made; it would"
    with pytest.raises(SettingError, match=f"{told} meet 69. Lower limit"):
        score(path, memory=4)
    nats = under_a_band(path, tokens[:17], memory=4)
    assert score(path, memory=4, limit=16).metrics["nats_per_token"].sum == pytest.approx(math.fsum(nats), rel=1e-5)
    if positions == "learned":
        for how in ({"memory": 4}, {"window": 20}):
            with pytest.raises(SettingError, match="its positions are learned: there are no more"):
                score(path, beyond_context=True, **how)
    else:
        nats = under_a_band(path, tokens, memory=4)
        found = score(path, memory=4, beyond_context=True, chunk=7).metrics["nats_per_token"].sum
        assert found == pytest.approx(math.fsum(nats), rel=1e-5)
