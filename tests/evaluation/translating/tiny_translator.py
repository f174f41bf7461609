"""A checkpoint that translates, of random weights and 16 numbers wide, and evaluations of it in this process."""

import random
from pathlib import Path
from typing import Any

import torch
from evaluated import composed
from tiny import options, shake

from reattend.data.parallel.bpe import learn
from reattend.data.parallel.dictionary import count_symbols, symbols_of
from reattend.data.parallel.pipeline import Language, Pipeline
from reattend.evaluation import run_task
from reattend.models import build_model
from reattend.models.checkpoint import FORMAT
from reattend.records import TranslationRecord, read_record, run_name

WORDS = "der Hund sieht die Katze , aber nicht das Haus am state-of-the-art See und den Baum .".split()  # noqa: SIM905
SIZES = {"architecture": "encoder_decoder", "name": "test", "width": 16, "encoder_layers": 1, "decoder_layers": 2}
CONTEXT = 64


def sentences(count: int, *, seed: int = 0) -> list[str]:
    """Made-up ones of 1 to 12 words."""
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(1, 12))) for _ in range(count)]


def pipeline(*, lowercase: bool = False, merges: int = 20, direction: str = "de-en") -> Pipeline:
    """Both languages have the same words, so that nothing is unknown."""

    def side(code: str, codes: tuple[str, ...] = (), symbols: tuple[str, ...] = ()) -> Language:
        return Language(code=code, lowercase=lowercase, split_hyphens=False, codes=codes, symbols=symbols)

    blank = [side(code) for code in direction.split("-")]
    tokens = [language.tokenise(line) for language in blank for line in sentences(40)]
    codes = learn(tokens, merges=merges)
    segmented = [side("de", codes).segment(line) for line in tokens]
    symbols = symbols_of(count_symbols(segmented))
    source, target = (side(code, codes, symbols) for code in direction.split("-"))
    return Pipeline(source, target)


def checkpoint(path: Path, *, made: Pipeline | None = None, attention: str = "softmax", seed: int = 3) -> Path:
    """As training saves it."""
    made = made or pipeline()
    mechanism = options("attention")[attention]
    sizes = SIZES | {"heads": 2, "embeddings": "all"}
    vocabulary = (len(made.source.symbols), len(made.target.symbols))
    model = build_model(sizes, attention=mechanism, vocabulary=vocabulary, context=CONTEXT, seed=seed)
    shake(model, seed=seed)
    config = {"attention": mechanism, "model": sizes, "data": {"name": "made_up"}, "seed": seed}
    kept = {"format": FORMAT, "config": config, "context": CONTEXT, "pipeline": made.to_plain(), "data": {}}
    weights = {f"model.{key}": value for key, value in model.state_dict().items()}
    torch.save({"reattend": kept, "state_dict": weights}, path)
    return path


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def told(arguments: list[str]) -> str:
    """What such a command prints."""
    return run_task(composed(["task=translation", *arguments]))


def recorded(arguments: list[str]) -> TranslationRecord:
    """The record of such a command."""
    config: dict[str, Any] = composed(["task=translation", *arguments])
    run_task(config)
    record = read_record(Path(config["results_dir"]) / "runs" / f"{run_name(config)}.json")
    assert isinstance(record, TranslationRecord)
    return record
