"""A test set's scores are those of sentences translated one by one, and a stopped run ends with the same record."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import sacrebleu
import torch
from composed import command, result
from tiny_translator import checkpoint, pipeline, recorded, sentences, told, write

from reattend.decoding import beam_search
from reattend.evaluation.translating import job, run
from reattend.evaluation.unfinished import Interrupted
from reattend.metrics.ngrams import corpus_bleu, from_lines
from reattend.models.checkpoint import load_translator
from reattend.records import TranslationRecord
from reattend.settings import SettingError

SOURCE = sentences(12, seed=1)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "best.ckpt")


@pytest.fixture
def given(model: Path, tmp_path: Path) -> list[str]:
    """What a command needs but for the references."""
    source = write(tmp_path / "test.de", SOURCE)
    short = ["max_length_a=1", "max_length_b=2", "max_tokens=60", "beam=2", "progress=false"]
    return [f"checkpoint={model}", f"data.source={source}", f"results_dir={tmp_path / 'results'}", *short]


def one_by_one(model: Path, lines: list[str], *, spelt: str = "decode", **search: Any) -> list[str]:
    """Each line by itself, as plain text or as Moses tokens."""
    translator = load_translator(model, setting="checkpoint")
    texts = []
    for line in lines:
        source = torch.tensor([translator.pipeline.encode_source(line)])
        ((best, *_),) = beam_search(translator.model, source, max_length_a=1, max_length_b=2, **search)
        texts.append(getattr(translator.pipeline, spelt)(best.tokens))
    return texts


@pytest.fixture
def references(model: Path, tmp_path: Path) -> Path:
    """Near enough to what the model writes that scores are not 0: a word more here and there, a word less."""
    lines = one_by_one(model, SOURCE, beam=2)
    lines = [f"{line} Haus" if i % 4 == 0 else line for i, line in enumerate(lines)]
    return write(
        tmp_path / "test.en", [(line.partition(" ")[2] or "x") if i % 3 == 0 else line for i, line in enumerate(lines)]
    )


@pytest.fixture
def scored(given: list[str], references: Path) -> list[str]:
    return [*given, f"data.reference={references}"]


def test_scores_are_sacrebleus_of_single_sentences(model: Path, scored: list[str], references: Path) -> None:
    record = recorded(scored)
    plain, lines = one_by_one(model, SOURCE, beam=2), references.read_text().splitlines()
    bleu = sacrebleu.metrics.BLEU()
    assert record.metrics["sacrebleu"].value == pytest.approx(bleu.corpus_score(plain, [lines]).score)
    assert 5 < record.metrics["sacrebleu"].value < 99
    assert record.signatures["sacrebleu"] == str(bleu.get_signature())
    assert record.metrics["chrf"].value == pytest.approx(sacrebleu.corpus_chrf(plain, [lines]).score)
    tokens = one_by_one(model, SOURCE, spelt="tokenised", beam=2), [pipeline().tokenise_reference(r) for r in lines]
    tokenised = sacrebleu.metrics.BLEU(tokenize="none", lowercase=True, force=True).corpus_score(tokens[0], [tokens[1]])
    assert record.metrics["tokenised_bleu"].value == pytest.approx(tokenised.score)
    split = [[re.sub(r"(\S)-(\S)", r"\1 ##AT##-##AT## \2", line) for line in side] for side in tokens]
    compounds = sacrebleu.metrics.BLEU(tokenize="none", force=True).corpus_score(split[0], [split[1]])
    assert record.metrics["compound_split_bleu"].value == pytest.approx(compounds.score)
    assert len({round(record.metrics[kind].value, 6) for kind in record.metrics}) == 4
    assert corpus_bleu(from_lines(record.sentences)) == pytest.approx(record.metrics["sacrebleu"].value)
    for metric in record.metrics.values():
        assert metric.count == 12 and metric.sum / metric.count == pytest.approx(metric.value)


def test_what_the_record_says(model: Path, scored: list[str], tmp_path: Path) -> None:
    record = recorded(scored)
    assert record.name.startswith("translation_lines_")
    data, kept = record.data, record.model
    assert (data["direction"], data["source"], data["sentences"]) == ("de-en", "test.de and test.en", 12)
    assert (kept["source"], kept["attention"], kept["seed"]) == ("best.ckpt", "softmax", 3)
    assert kept["attention_extra"] == 0 and kept["pipeline"] == pipeline().sha256
    assert kept["config"]["model"]["width"] == 16
    assert record.timing["sentences_per_second"] > 0
    assert str(tmp_path) not in str([data, kept])


def test_what_the_mechanism_adds(given: list[str], references: Path, tmp_path: Path) -> None:
    other = checkpoint(tmp_path / "other.ckpt", attention="dagpam")
    record = recorded([*given, f"checkpoint={other}", f"data.reference={references}"])
    assert record.model["attention"] == "dagpam" and record.model["attention_extra"] > 0


@pytest.mark.parametrize(
    "changed", [["beam=1"], ["beam=4"], ["beam=2", "max_tokens=1"], ["beam=2", "length_penalty=0"]]
)
def test_translations_are_those_of_single_sentences(model: Path, given: list[str], changed: list[str]) -> None:
    search: dict[str, Any] = {key: int(value) for key, _, value in (c.partition("=") for c in changed)}
    search.pop("max_tokens", None)
    assert told([*given, *changed]).splitlines() == one_by_one(model, SOURCE, **search)


def test_without_references(given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = told(given).splitlines()
    assert len(lines) == 12
    assert "No references: translated, not scored" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()
    output = tmp_path / "new" / "out.txt"
    assert told([*given, f"output={output}"]) == f"12 sentences translated to {output}"
    assert output.read_text(encoding="utf-8").splitlines() == lines


def test_several_translations_of_a_sentence(given: list[str]) -> None:
    rows = [line.split("\t") for line in told([*given, "n_best=2"]).splitlines()]
    assert [int(number) for number, *_ in rows] == [i for i in range(1, 13) for _ in range(2)]
    assert all(float(rows[i][1]) >= float(rows[i + 1][1]) for i in range(0, 24, 2))
    assert [text for *_, text in rows[::2]] == told(given).splitlines()


def test_a_lower_casing_checkpoint_is_scored_without_case(given: list[str], tmp_path: Path) -> None:
    model = checkpoint(tmp_path / "lower.ckpt", made=pipeline(lowercase=True))
    lines = told([*given, f"checkpoint={model}"]).splitlines()
    assert all(line == line.lower() or line[0].isupper() for line in lines)
    upper = write(tmp_path / "upper.en", [line.upper() for line in lines])
    record = recorded([*given, f"checkpoint={model}", f"data.reference={upper}"])
    assert "case:lc" in record.signatures["sacrebleu"] and "case:lc" in record.signatures["chrf"]
    assert record.metrics["sacrebleu"].value > 99


def test_empty_and_long_lines_are_counted(model: Path, given: list[str], tmp_path: Path) -> None:
    lines = [SOURCE[0], "", " ".join(["Haus"] * 90), SOURCE[1]]
    source, reference = write(tmp_path / "odd.de", lines), write(tmp_path / "odd.en", ["x", "y", "z", ""])
    odd = [*given, f"data.source={source}", f"data.reference={reference}"]
    kept = recorded([*odd, f"output={tmp_path / 'out'}"])
    assert kept.data["name"] == "odd" and recorded([*odd, "data.title=talks"]).data["name"] == "talks"
    assert [kept.data[key] for key in ("sentences", "empty", "too_long", "dropped")] == [4, 2, 1, 0]  # type: ignore[literal-required]
    translated = (tmp_path / "out").read_text().split("\n")
    assert translated[1] == "" and translated[0] and translated[2] and len(translated) == 5
    dropped = recorded([*odd, "data.empty=drop", "data.too_long=drop"])
    assert [dropped.data[key] for key in ("sentences", "empty", "too_long", "dropped")] == [1, 2, 1, 3]  # type: ignore[literal-required]
    assert "4 sentences (2 empty, 1 too long)" in told(odd)


def same(record: TranslationRecord) -> dict[str, Any]:
    return result(dataclasses.replace(record))


def test_a_stopped_run_goes_on(scored: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = recorded([*scored, f"results_dir={tmp_path / 'whole'}"])
    plain, done = job.translate, []

    def stopping(*arguments: Any, **options: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(len(arguments[1]))
        return plain(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(job, "translate", stopping)
        with pytest.raises(Interrupted, match=r"stopped after 2 of \d batches; the same command goes on"):
            recorded(scored)
    (parts,) = (tmp_path / "results" / "unfinished").glob("*/parts.jsonl")
    assert len(parts.read_text().splitlines()) == 1 + 2
    before, counted = sum(done), []
    with monkeypatch.context() as patch:
        patch.setattr(job, "translate", lambda *a, **o: counted.append(len(a[1])) or plain(*a, **o))
        assert same(recorded(scored)) == same(whole)
    assert sum(counted) == 12 - before and not parts.exists()


def test_a_finished_one_is_not_done_again(scored: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    record = recorded(scored)
    monkeypatch.setattr(run, "score", lambda *a, **o: pytest.fail("translated"))
    assert recorded(scored) == record


def test_a_record_of_other_weights_or_sentences_is_not_shown(
    model: Path, scored: list[str], references: Path, tmp_path: Path
) -> None:
    recorded(scored)
    with pytest.raises(SettingError, match=r"output=.*finished before, without this file.*force=true"):
        told([*scored, f"output={tmp_path / 'none'}"])
    write(references, ["other"] * 12)
    with pytest.raises(SettingError, match=r"data=.*these are others"):
        told(scored)
    checkpoint(model, seed=4)
    with pytest.raises(SettingError, match=r"checkpoint=.*the file has changed since.*force=true"):
        told(scored)
    assert recorded([*scored, "force=true"]).model["seed"] == 4


def test_the_command(model: Path, scored: list[str], given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [word for word in scored if not word.startswith("beam")]
    assert command("evaluate", "task=translation", *arguments, "beam=5") == 0
    shown = capsys.readouterr().out
    assert "softmax, " in shown and "beam 5" in shown and "tok:13a" in shown and "12 sentences, " in shown
    assert command("evaluate", "task=translation", *given, "beam=5") == 0
    assert len(capsys.readouterr().out.splitlines()) == 12


def test_translations_can_be_drawn(given: list[str]) -> None:
    drawn = [*given, "beam=1", "temperature=1.5", "n_best=2", "max_tokens=20"]
    lines = told(drawn).splitlines()
    assert len(lines) == 2 * len(SOURCE)
    assert told([*drawn, "max_tokens=500"]).splitlines() == lines  # whatever their company
    assert told([*drawn, "seed=2"]).splitlines() != lines
    each = [{line.partition("\t")[2].partition("\t")[2] for line in lines[i : i + 2]} for i in range(0, len(lines), 2)]
    assert any(len(texts) == 2 for texts in each)
