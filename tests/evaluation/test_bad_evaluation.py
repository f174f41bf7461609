"""What cannot be evaluated is refused in one message that names the setting and says what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest
from composed import checkpoint, command
from evaluated import replaced

from reattend.records import EvaluationRecord
from reattend.settings import SettingError

Evaluate = Callable[..., EvaluationRecord]
Told = Callable[..., str]


@pytest.fixture
def refused(evaluate: Evaluate, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    """refused("chunk=0", ...) -> the message; nothing was printed or recorded."""

    def run(*changes: str) -> str:
        policy = [] if any(change.startswith("policy=") for change in changes) else ["policy=full"]
        with pytest.raises(SettingError) as told:
            evaluate(*policy, *changes)
        assert capsys.readouterr() == ("", "")
        assert not (tmp_path / "results" / "runs").exists()
        return str(told.value)

    return run


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["policy=tova", "policy.size=0"], "policy.size=0: expected at least 1. Raise policy.size to 1 or more."),
        (["policy=tova", "policy.size=-1"], "policy.size=-1: expected at least 1"),
        (["policy=tova", "policy.size=2.5"], "policy.size=2.5: expected a whole number"),
        (["policy=window", "policy.size=abc"], "policy.size=abc: expected a whole number"),
        (["policy=window", "policy.size=null"], "policy.size=None: expected a whole number"),
        (["policy=window_sinks", "policy.size=4"], "policy.first=4: expected from 0 to 3, less than policy.size=4."),
        (["policy=tova", "policy.first=256"], "policy.first=256: expected from 0 to 255"),
        (["policy=tova", "policy.recent=257"], "policy.recent=257: expected from 0 to 256"),
        (
            ["policy=h2o", "policy.recent=9", "policy.heavy=9"],
            "policy.recent+policy.heavy=9+9=18: expected two numbers",
        ),
        (
            ["policy=h2o", "policy.recent=300"],
            "policy.recent+policy.heavy=300+-44=256: expected two numbers that add up",
        ),
        (["policy=tova", "policy.scope=row"], "policy.scope=row: expected one of layer, head"),
        (["policy.name=lru"], "policy=lru: expected one of decayed_sum, full, h2o, random, tova, truncate, window"),
        (
            ["task.name=scoring"],
            "task=scoring: expected one of diagnostics, judge, likelihood, perplexity, qasper, retention, sample, "
            "squality, stories, translation. Set task to one of them.",
        ),
        (["lm.path=gone/model"], "lm.path=gone/model: expected"),
        (["lm.dtype=float8"], "lm.dtype=float8: expected one of float32, bfloat16, float16"),
        (["data.path=gone.txt"], "data.path=gone.txt: expected an existing file or folder. Correct data.path."),
        (["task.context=1"], "task.context=1: expected at least 2"),
        (["task.tail=cut"], "task.tail=cut: expected one of keep, drop"),
        (["max_tokens=1"], "max_tokens=1: expected at least 2"),
        (["max_tokens=all"], "max_tokens=all: expected a whole number or null"),
        (["chunk=0"], "chunk=0: expected at least 1"),
        (["chunk=null"], "chunk=None: expected a whole number"),
        (["threads=0"], "threads=0: expected at least 1"),
        (["progress=loud"], "progress=loud: expected true or false"),
        (["force=maybe"], "force=maybe: expected true or false"),
        (["seed=-1"], "seed=-1: expected a number from 0"),
        (["name=a/b"], "name=a/b: expected letters, digits and"),
        (["results_dir=/proc/results"], "results_dir=/proc/results/unfinished/"),
    ],
)
def test_bad_input_is_one_message(refused: Told, changes: list[str], message: str) -> None:
    assert refused(*changes).startswith(message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["policy=lru"], "policy=lru: expected one of decayed_sum, full, h2o, "),
        (["policy=full", "+policy.size=4"], "policy.size=4: expected a known option (no options)"),
        (["policy=tova", "policy.size=0"], "policy.size=0: expected at least 1. Raise policy.size to 1 or more."),
        (["lm=gpt5"], "lm=gpt5: expected one of checkpoint, "),
        (["task=bleu"], "task=bleu: expected one of diagnostics, judge, "),
        (["task.context=300", "data.path={long}"], "task.context=300: expected at most 256, as the model was made for"),
    ],
)
def test_the_script_says_it_and_ends_with_1(
    given: list[str], changes: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "long.txt").write_text("fox " * 200, encoding="utf-8")
    changes = [change.format(long=tmp_path / "long.txt") for change in changes]
    assert command("evaluate", *replaced(given, *changes)) == 1
    told = capsys.readouterr()
    assert message in told.err and "Traceback" not in told.err and told.out == ""
    assert not (tmp_path / "results" / "runs").exists()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "expected texts that are not empty; 'bad' is. Remove that text or choose others."),
        (b" \n\n", "expected texts that are not empty; 'bad' is."),
        (b"x", "data=bad: expected texts of at least 2 tokens; 'bad' has 1. Choose a longer text."),
        (b"The quick br\xffwn fox", "expected UTF-8; byte 12 of bad.txt (0xff) is not. Convert the file"),
    ],
)
def test_a_text_that_cannot_be_scored_is_one_message(refused: Told, tmp_path: Path, raw: bytes, message: str) -> None:
    (path := tmp_path / "bad.txt").write_bytes(raw)
    assert message in refused(f"data.path={path}")


def test_a_corpus_to_train_on_is_no_document_to_read(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    kept = [word for word in given if not word.startswith("data.")]
    assert command("evaluate", *kept, "data=enwiki_sample") == 1
    assert "data=enwiki_sample: expected one of books, pg19. Set data to one of them." in capsys.readouterr().err


def test_a_mistake_is_told_before_anything_is_loaded(refused: Told) -> None:
    assert "policy.size=0" in refused("policy=tova", "policy.size=0", "lm.path=gone", "data.path=gone")
    assert "chunk=0" in refused("chunk=0", "lm.path=gone", "data.path=gone")


def test_positions_beyond_the_models_are_read_only_if_asked_for(refused: Told, evaluate: Evaluate, book: Path) -> None:
    book.write_text("fox " * 200, encoding="utf-8")  # two tokens a word
    told = refused("task.context=300")
    assert "task.context=300: expected at most 256, as the model was made for 256 positions; the longest" in told
    assert "the longest chunk has 300 tokens. Lower task.context, or set task.beyond_context=true" in told
    assert "task.context=null: expected at most 256" in refused("task.context=null")
    assert "task.context=256: expected at most 255, as the model" in refused("task.context=256", "task.bos=true")
    for fits in (["task.context=256"], ["task.context=null", "max_tokens=256"], ["task.context=255", "task.bos=true"]):
        assert evaluate("policy=full", *fits).parts
    assert evaluate("policy=full", "task.context=300", "task.beyond_context=true").parts[0]["tokens"] == 299


def test_a_model_without_a_token_that_marks_a_start_is_refused_one(refused: Told, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "best.ckpt", context=64)
    told = refused("lm=checkpoint", "lm.device_map=cpu", f"lm.path={path}", "task.bos=true")
    assert "task.bos=true: expected false, as softmax_test_seed3 has no token that marks a start." in told
