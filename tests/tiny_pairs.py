"""Made-up sentence pairs in a file, and what a command needs to train a tiny translation model on them."""

import random
from pathlib import Path

WORDS = {"der": "the", "Hund": "dog", "sieht": "sees", "Katze": "cat", "nicht": "not", "Haus": "house", "am": "at"}
WORDS |= {"See": "lake", "und": "and", "alte": "old", "Baum": "tree", "geht": "goes", "heute": "today", ",": ","}

SMALL_PAIRS = (
    "data=tab_separated",
    "data.columns=de-en",
    "data.valid=30",
    "data.test=30",
    "data.merges=30",
    "data.max_tokens=200",
    "data.valid_limit=10",
    "model=translation_small",
    "model.width=16",
    "model.feed_forward=32",
    "model.heads=2",
    "model.encoder_layers=1",
    "model.decoder_layers=1",
    "logger=none",
    "trainer=cpu",
    "trainer.threads=1",
    "trainer.progress=false",
    "trainer.max_steps=6",
    "trainer.validations=2",
    "schedule.warmup_steps=2",
)


def pairs(count: int = 300) -> list[tuple[str, str]]:
    """Word by word, of 1 to 9 words, German first; no sentence twice."""
    draw = random.Random(1)
    found: dict[str, str] = {}
    while len(found) < count:
        words = draw.choices(list(WORDS), k=draw.randint(1, 9))
        found[" ".join(words)] = " ".join(WORDS[word] for word in words)
    return list(found.items())


def write_pairs(path: Path) -> Path:
    path.write_text("".join(f"{one}\t{other}\tremark\n" for one, other in pairs()), encoding="utf-8")
    return path
