"""Parallel corpora: splits that share nothing, preparation that is kept and goes on, numbers and batches."""

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import options
from tiny_pairs import WORDS

from reattend.data import build_parallel
from reattend.data.parallel import prepared
from reattend.data.parallel.batches import Numbers, TranslationEvaluationBatches, TranslationTrainingBatches, pad
from reattend.data.parallel.dictionary import EOS, PAD, UNK, symbols_of
from reattend.data.parallel.pipeline import Pipeline
from reattend.data.parallel.splitting import LARGEST, Pairs, split_apart
from reattend.settings import SettingError

SMALL = {"columns": "de-en", "valid": 30, "test": 30, "merges": 30, "max_tokens": 60}


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "cache"))


def corpus(path: Path | None, **changes: Any) -> Any:
    values = options("data")["tab_separated"] | SMALL | {"path": None if path is None else str(path)} | changes
    return build_parallel(values)


# splits


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=30, max_size=120), st.randoms())
def test_no_sentence_of_either_language_is_in_two_splits(edges: list[tuple[int, int]], draw: Any) -> None:
    pairs = Pairs([f"de {a}" for a, _ in edges], [f"en {b}" for _, b in edges])
    splits = split_apart(pairs, valid=5, test=5)
    assert Counter(p for split in splits.values() for p in zip(*split, strict=True)) == Counter(
        zip(*pairs, strict=True)
    )
    for one, other in itertools.combinations(splits.values(), 2):
        assert not set(one.source) & set(other.source) and not set(one.target) & set(other.target)
    order = [*range(len(edges))]
    draw.shuffle(order)
    again = split_apart(pairs.take(order), valid=5, test=5)
    assert all(Counter(zip(*splits[name], strict=True)) == Counter(zip(*again[name], strict=True)) for name in splits)


def test_a_sentence_with_very_many_translations_stays_in_the_train_split() -> None:
    many = LARGEST + 1
    pairs = Pairs(["Hallo"] * many + [f"de {i}" for i in range(9)], [f"hello {i}" for i in range(many + 9)])
    splits = split_apart(pairs, valid=3, test=3)
    assert splits["train"].source.count("Hallo") == many
    assert len(splits["valid"].source) == len(splits["test"].source) == 3


# dictionary and pipeline


def test_symbols_are_ordered_as_fairseq_orders_them() -> None:
    symbols = symbols_of({"b": 2, "a": 2, "c": 5, "<unk>": 9})
    assert symbols == ("<s>", "<pad>", "</s>", "<unk>", "c", "a", "b", "madeupword0000")


def test_text_becomes_numbers_and_text_again(sentence_pairs: Path) -> None:
    pipeline = corpus(sentence_pairs, joined=False).pipeline
    again = Pipeline.from_plain(json.loads(json.dumps(pipeline.to_plain())))
    assert again == pipeline and again.sha256 == pipeline.sha256
    line = "the dog sees, at the lake"
    ids = pipeline.encode_target(line)
    assert ids[-1] == EOS and UNK not in ids and EOS not in ids[:-1]
    assert pipeline.decode(ids) == line
    assert pipeline.tokenised(ids) == pipeline.tokenise_reference(line) == "the dog sees , at the lake"
    assert pipeline.decode([PAD, *ids, PAD]) == line
    assert UNK in pipeline.encode_source("Ж") and "<unk>" in pipeline.decode(pipeline.encode_target("Ж"))


def test_lower_case_pipelines_differ_from_others(sentence_pairs: Path) -> None:
    kept, lowered = (corpus(sentence_pairs, lowercase=lowercase).pipeline for lowercase in (False, True))
    assert kept.sha256 != lowered.sha256
    assert lowered.encode_source("HUND") == lowered.encode_source("hund")
    assert lowered.tokenise_reference("At THE Lake") == "at the lake"


def test_hyphens_are_split_where_asked_for(sentence_pairs: Path) -> None:
    split = corpus(sentence_pairs).pipeline.source.__class__("en", False, True, ("#version: 0.2",), ())
    assert split.tokenise("a well-known dog") == "a well @-@ known dog"


# preparation


def test_a_prepared_corpus_holds_every_pair_once(sentence_pairs: Path) -> None:
    made = corpus(sentence_pairs)
    plain = {split: made.plain(split) for split in ("train", "valid", "test")}
    lines = [line.split("\t") for line in sentence_pairs.read_text(encoding="utf-8").splitlines()]
    assert Counter((one, other) for split in plain.values() for one, other in zip(*split, strict=True)) == Counter(
        (one, other) for one, other, _ in lines
    )
    sentences, references = made.sentences("test")
    assert references == plain["test"].target
    assert sentences == [made.pipeline.encode_source(line) for line in plain["test"].source]
    assert all(" ".join(WORDS[w] for w in one.split()) == other for one, other in zip(*plain["valid"], strict=True))


def test_the_other_direction_swaps_the_sides(sentence_pairs: Path) -> None:
    one, other = corpus(sentence_pairs), corpus(sentence_pairs, direction="en-de")
    assert set(zip(*one.plain("train"), strict=True)) >= {
        (de, en) for en, de in zip(*other.plain("train"), strict=True)
    } - set(zip(*one.plain("valid"), strict=True)) - set(zip(*one.plain("test"), strict=True))
    assert other.plain("train").source[0].split()[0] in WORDS.values()


def test_preparation_goes_on_where_it_was_interrupted(sentence_pairs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(prepared, "learn", stop)
        corpus(sentence_pairs).prepare()
    done: list[str] = []
    each_line = prepared.each_line

    def counted(function: Any, lines: list[str], *, label: str) -> list[str]:
        done.append(label)
        return each_line(function, lines, label=label)

    monkeypatch.setattr(prepared, "each_line", counted)
    made = corpus(sentence_pairs)
    made.raw = stop  # the plain sentences are there
    made.prepare()
    assert len(done) == 6 and all("subwords" in label for label in done)
    corpus(sentence_pairs).prepare()
    assert len(done) == 6  # all is there


def test_what_is_dropped_is_counted_and_a_test_set_is_kept_whole(tmp_path: Path) -> None:
    lines = [f"Satz {i} war kurz\tsentence {i} is short" for i in range(100)]
    lines += [f"leer {i}\t" for i in range(10)] + [f"{'lang ' * 30}{i}\tlong {i}" for i in range(10)]
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(lines), encoding="utf-8")
    made = corpus(path, max_length=20, valid=15, test=15)
    dropped = [made.manifest["splits"][split]["dropped"] for split in ("train", "valid")]
    texts = [line for split in ("train", "valid") for line in made.plain(split).source]
    test = made.plain("test").source
    assert sum(found["empty"] for found in dropped) + sum("leer" in line for line in test) == 10 - 0 * len(texts)
    assert sum(found["too long"] for found in dropped) + sum("lang" in line for line in test) == 10
    assert not any("leer" in line or "lang" in line for line in texts)
    assert "dropped: " in made.describe() and "too long" in made.describe()
    kept = corpus(path, max_length=20, valid=15, test=15, too_long="keep")
    assert sum("lang" in line for split in ("train", "valid", "test") for line in kept.plain(split).source) == 10
    assert kept.context > 21 == made.context


def test_what_is_refused_is_not_kept(sentence_pairs: Path) -> None:
    def refuse(*_: Any) -> None:
        raise SettingError("data.path", "x", "another file", "Fetch it.")

    made = corpus(sentence_pairs)
    made.verify = refuse
    with pytest.raises(SettingError):
        made.prepare()
    (folder,) = (Path(str(made_home())) / "parallel").iterdir()
    assert [file.name for file in folder.iterdir()] in ([], ["lock"])


def made_home() -> Path:
    from reattend.data.store import home

    return home()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"direction": "de"}, "data.direction=de: expected two language codes"),
        ({"direction": "de-de"}, "data.direction=de-de: expected two languages"),
        ({"columns": "fr-en"}, "data.columns=fr-en: expected the languages of data.direction=de-en"),
        ({"max_tokens": 0}, "data.max_tokens=0: expected at least 1"),
        ({"ratio": 0.5}, "data.ratio=0.5: expected at least 1"),
        ({"path": None}, "data.path=null: expected the path of a file"),
        ({"path": "nowhere.tsv"}, "data.path=nowhere.tsv: expected an existing file"),
    ],
)
def test_bad_settings(sentence_pairs: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingError) as refused:
        build_parallel(options("data")["tab_separated"] | SMALL | {"path": str(sentence_pairs)} | changes).prepare()
    assert told in str(refused.value)


def test_an_unknown_direction_of_a_corpus_with_two_languages() -> None:
    with pytest.raises(SettingError, match=r"data\.direction=fr-en: expected one of de-en, en-de"):
        build_parallel(options("data")["ui_strings"] | {"direction": "fr-en"})


@pytest.mark.parametrize(("content", "told"), [(b"no tab\n", "a tab in line 1"), (b"\xff\tx\n", "UTF-8 text")])
def test_bad_files(tmp_path: Path, content: bytes, told: str) -> None:
    (path := tmp_path / "bad.tsv").write_bytes(content)
    with pytest.raises(SettingError, match=told):
        corpus(path).prepare()


# batches


def numbers(lengths: list[int], first: int = 4) -> Numbers:
    """Sentences of these lengths, EOS included, whose tokens are all different."""
    starts = np.cumsum([0, *lengths])
    ids = np.arange(first, first + starts[-1])
    ids[starts[1:] - 1] = EOS
    return Numbers(ids, starts)


LENGTHS = st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=8, max_size=60)


@given(LENGTHS, st.integers(0, 3), st.integers(1, 3))
def test_batches_fit_and_hold_each_pair_once(lengths: list[tuple[int, int]], seed: int, accumulate: int) -> None:
    source, target = numbers([a for a, _ in lengths]), numbers([b for _, b in lengths])
    batches = TranslationTrainingBatches(source, target, max_tokens=24, seed=seed, accumulate=1)
    for _ in range(2):  # epochs
        found = [*batches]
        assert all(max(b.source.numel(), b.targets.numel()) <= 24 or len(b.source) == 1 for b in found)
        rows = Counter(tuple(r[r != -100].tolist()) for b in found for r in b.targets)
        assert rows == Counter(tuple(target[i].tolist()) for i in range(len(lengths)))
        assert all(b.weight == pytest.approx(1 / int((b.targets != -100).sum())) for b in found)
    steps = TranslationTrainingBatches(source, target, max_tokens=24, seed=seed, accumulate=accumulate)
    assert len(steps) == len(batches) // accumulate * accumulate
    taken = [*steps]
    for first in range(0, len(taken), accumulate):  # Lightning divides by accumulate: all targets count alike
        group = taken[first : first + accumulate]
        assert {b.weight for b in group} == {accumulate / sum(int((b.targets != -100).sum()) for b in group)}


def test_the_order_depends_on_seed_and_epoch_and_goes_on_from_a_state() -> None:
    source = target = numbers([1 + i % 7 for i in range(50)])

    def order(seed: int, epochs: int, state: dict[str, int] | None = None) -> list[list[Any]]:
        batches = TranslationTrainingBatches(source, target, max_tokens=20, seed=seed)
        if state:
            batches.load_state_dict(state)
        return [[b.targets.tolist() for b in batches] for _ in range(epochs)]

    first, second = order(1, 2)
    assert [first, second] == order(1, 2) and first != second and first != order(2, 1)[0]
    assert order(1, 1, {"epoch": 0, "taken": 3})[0] == first[3:]
    assert order(1, 1, {"epoch": 1, "taken": 2})[0] == second[2:]


def test_inputs_are_targets_shifted_and_padding_is_on_the_right() -> None:
    source, target = numbers([3, 1]), numbers([2, 4], first=20)
    sources, inputs, targets = pad(source, target, [0, 1])
    assert sources.tolist() == [[4, 5, EOS], [EOS, PAD, PAD]]
    assert inputs.tolist() == [[EOS, 20, PAD, PAD], [EOS, 22, 23, 24]]
    assert targets.tolist() == [[20, EOS, -100, -100], [22, 23, 24, EOS]]


@given(LENGTHS, st.integers(1, 70))
def test_evaluation_takes_each_chosen_pair_once(lengths: list[tuple[int, int]], limit: int) -> None:
    source, target = numbers([a for a, _ in lengths]), numbers([b for _, b in lengths])
    batches = TranslationEvaluationBatches(source, target, max_tokens=30, limit=limit)
    rows = [row for *_, targets in batches for row in targets]
    assert len(rows) == len(batches.indices) == len(set(batches.indices.tolist())) == min(limit, len(lengths))
    expected = Counter(tuple(target[i].tolist()) for i in batches.indices)
    assert Counter(tuple(row[row != -100].tolist()) for row in rows) == expected


def test_more_batches_a_step_than_there_are() -> None:
    source = numbers([2] * 8)
    with pytest.raises(SettingError, match=r"trainer\.accumulate=5: expected at most 4"):
        TranslationTrainingBatches(source, source, max_tokens=4, seed=1, accumulate=5)
