"""A split's score is that of plain passes, token by token or under a mask, in each way of reading; and bad input."""

import functools
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from composed import SMALL, command, compose, load, result
from tiny import decoder, options, shake

from reattend.data import build_corpus
from reattend.data.corpus import Corpus
from reattend.evaluation import run_task
from reattend.evaluation.scoring import ways
from reattend.evaluation.unfinished import Interrupted
from reattend.models.checkpoint import FORMAT, load_decoder
from reattend.models.decoder import Decoder
from reattend.records import EvaluationRecord, read_records
from reattend.settings import SettingError
from reattend.training.job import run_job

CONTEXT = 16
Given = dict[str, Any]


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


def saved(
    path: Path, data: Given, *, attention: str = "softmax", layers: int = 2, of: Any = None, **sizes: Any
) -> Path:
    """A checkpoint as training saves it, of random weights; `of`: the text, where it is no more where `data` says."""
    corpus = build_corpus(of or data)
    mechanism = options("attention")[attention]
    model = decoder(mechanism, vocabulary=corpus.vocabulary, context=CONTEXT, layers=layers, **sizes)
    shake(model)
    shape = {"architecture": "decoder", "name": "test", "width": 8, "layers": layers, "heads": 2} | sizes
    config = {"attention": mechanism, "model": shape, "data": data, "seed": 3, "control": {"name": "none"}}
    kept = {"format": FORMAT, "config": config, "model": shape, "data": corpus.identity()}
    words = corpus.words()
    torch.save(
        {
            "reattend": kept | ({} if words is None else {"words": words}),
            "state_dict": {f"model.{key}": value for key, value in model.state_dict().items()},
        },
        path,
    )
    return path


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "cache"))


@pytest.fixture
def data(text: Path) -> Given:
    """70 bytes to test on."""
    return options("data")["text"] | {"path": str(text), "context": CONTEXT, "batch_size": 4, "valid_limit": None}


@pytest.fixture
def score(tmp_path: Path) -> Callable[..., EvaluationRecord]:
    """score(checkpoint, window=8, ...) -> the record."""

    def run(path: Path, **changes: Any) -> EvaluationRecord:
        config = compose("evaluate", "task=likelihood")
        results = tmp_path / f"results{len(list(tmp_path.glob('results*')))}"
        values: Given = {"checkpoint": str(path), "results_dir": str(results), "progress": False} | changes
        assert values.keys() <= config.keys()
        print(run_task(config | values))
        (record,) = read_records(Path(values["results_dir"]) / "runs")
        assert isinstance(record, EvaluationRecord)
        return record

    return run


Score = Callable[..., EvaluationRecord]


def tokens_of(data: Given, split: str = "test") -> torch.Tensor:
    return torch.from_numpy(build_corpus(data).splits()[split].astype(np.int64))


def one_by_one(path: Path, tokens: torch.Tensor, *, window: int, stride: int) -> list[float]:
    """-ln p of each token but the first, from a pass of its own over what it may see, in float64."""
    model = load_decoder(path, setting="checkpoint").double()
    found = []
    for place in range(1, len(tokens)):
        start = max(0, -(-(place - window) // stride)) * stride  # the first window that reaches it
        with torch.no_grad():
            logits = model(tokens[None, start:place])[0, -1]
        found.append(-float(logits.log_softmax(-1)[tokens[place]]))
    return found


def masked(forward: Any, band: torch.Tensor, *inputs: Any, causal: bool, mask: None) -> torch.Tensor:
    found: torch.Tensor = forward(*inputs, causal=causal, mask=band)
    return found


def under_a_band(path: Path, tokens: torch.Tensor, *, memory: int) -> list[float]:
    """The same from one pass over all, each layer under a mask: an input sees itself and `memory` before it."""
    model: Decoder = load_decoder(path, setting="checkpoint").double()
    length = len(tokens) - 1
    back = torch.arange(length)[:, None] - torch.arange(length)
    band = ((back >= 0) & (back <= memory))[None, None]
    for mechanism in model.mechanisms:
        mechanism.forward = functools.partial(masked, mechanism.forward, band)  # type: ignore[method-assign]
    with torch.no_grad():
        log_p = model(tokens[None, :-1])[0].log_softmax(-1)
    return (-log_p.gather(1, tokens[1:, None]))[:, 0].tolist()


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
