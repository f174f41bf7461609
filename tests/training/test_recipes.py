"""The recipes of language models: their parameters against published counts, and a few steps on a miniature corpus."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from composed import compose

from reattend.data import build_corpus
from reattend.menus import menu
from reattend.models import build_model, size
from reattend.training.job import run_job

RECIPES = [name.removesuffix("_small") for name in menu("miniature")]
WORDS = {"wikitext103": ("wiki", ".tokens"), "penn_treebank": ("ptb", ".txt")}


def text(words: int, *, seed: int) -> str:
    draw = random.Random(seed)
    names = [f"w{i}" for i in range(30)]
    lines = (" ".join(draw.choices(names, k=9)) for _ in range(words // 9))
    return "".join(f" {line} \n" for line in [" ".join(names), "<unk>", *lines])


def of_words(prefix: str, end: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        for seed, split in enumerate(("train", "valid", "test")):
            (folder / f"{prefix}.{split}{end}").write_text(text(2_000 if split == "train" else 300, seed=seed))
        return folder

    return write


def of_bytes(folder: Path) -> Path:
    (folder / "enwik8").write_text(text(1_000, seed=1))
    return folder / "enwik8"


def of_books(folder: Path) -> Path:
    books = (f'{{"text": "{text(60, seed=seed).strip()!s}"}}'.replace("\n", "\\n") for seed in range(20))
    (folder / "books.jsonl").write_text("\n".join(books))
    return folder / "books.jsonl"


CORPORA: dict[str, Callable[[Path], Path]] = {
    **{name: of_words(*files) for name, files in WORDS.items()},
    "enwik8": of_bytes,
    "pg19": of_books,
}
TINY = ["model.width=16", "model.layers=2", "model.heads=2", "model.feed_forward=16"]
SHORT = [
    "data.context=8",
    "data.batch_size=2",
    "trainer.max_steps=2",
    "trainer.validations=1",
    "trainer.progress=false",
]


@pytest.mark.parametrize("attention", ["softmax", "dagpam"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_trains_on_a_miniature_of_its_corpus(
    recipe: str, attention: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "home"))
    (folder := tmp_path / "files").mkdir()
    config = compose(
        "train",
        f"experiment={recipe}",
        "scale=small",
        f"attention={attention}",
        f"data.path={CORPORA[recipe](folder)}",
        "data.allow_mismatch=true",
        *TINY,
        *SHORT,
        *(["model.cutoffs=[10,20]", "objective.window=8", "objective.stride=4"] if recipe == "wikitext103" else []),
        "trainer=cpu",
        "trainer.threads=1",
        "logger=none",
        f"results_dir={tmp_path / 'results'}",
    )
    record = run_job(config)
    assert record.config["experiment"] == f"{recipe}_small" and record.curve[-1]["step"] == 2
    unit = record.data["unit"]
    test = record.metrics[f"test/bits_per_{unit}"]
    assert 0 < test.value < 12 and "mismatch" in record.data
    if recipe in WORDS:
        assert test.count == record.data["splits"]["test"]["tokens"] - 1  # each but the first, whatever the stride


def parameters(recipe: str, *changes: str) -> int:
    config = compose("train", f"experiment={recipe}", *changes)
    facts = build_corpus(config["data"]).published()
    assert facts is not None
    with torch.device("meta"):
        model = build_model(
            config["model"],
            attention=config["attention"],
            vocabulary=facts.vocabulary or 256,
            context=config["data"]["context"],
            seed=1,
        )
    return size(model)


def block(width: int, inner: int) -> int:
    """Parameters of one layer, every linear with a bias, two norms."""
    return 4 * width * (width + 1) + width * (2 * inner + 1) + inner + 4 * width


def test_enwik8_has_the_parameters_of_transformer_xl_but_for_its_positions() -> None:
    ours = parameters("enwik8")
    assert ours == 256 * 512 + 12 * block(512, 2048) + 2 * 512
    published = 40_949_760 + 204 * 512 + 204 + 2 * 512  # 12 layers as Transformer-XL counts them, 204 symbols, u and v
    theirs_alone = 12 * 512 * 512 + 204 + 2 * 512  # relative positions, biases of the output, u and v
    ours_alone = 52 * 512 + 12 * 4 * 512 + 2 * 512  # 52 more symbols, biases of attention, the last norm
    assert ours == published - theirs_alone + ours_alone
    assert round(published / 1e6) == 41  # as printed


@pytest.mark.parametrize(("model", "layers"), [("wikitext_8", 8), ("wikitext_16", 16)])
def test_wikitext_has_the_parameters_of_transformer_xl_but_for_its_positions(model: str, layers: int) -> None:
    ours = parameters("wikitext103", f"model={model}")
    per_layer = 2_566_650  # as Transformer-XL counts it
    published = 267_735 * 411 + 3 * 411 + 820 + layers * per_layer
    theirs_alone = layers * 410 * 410 + 267_735 + 3 + 820
    ours_alone = layers * 4 * 410 + 2 * 410 + 3 * 410 * 410  # biases, the last norm, a projection a band
    assert ours == published - theirs_alone + ours_alone
    if layers == 16:
        assert published == 151_107_538  # as its log prints


def test_penn_treebank_has_fifteen_layers() -> None:
    assert parameters("penn_treebank") == 10_000 * 256 + 15 * block(256, 1024) + 2 * 256


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_mechanism_stays_within_the_published_overhead(recipe: str) -> None:
    plain = parameters(recipe)
    assert 0.0001 < parameters(recipe, "attention=dagpam") / plain - 1 < 0.0084
