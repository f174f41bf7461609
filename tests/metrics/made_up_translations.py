"""Forty made-up sentences of Moses tokens and two systems' renderings of them, one better than the other."""

import random

WORDS = ["der", "Hund", "beißt", "den", "Mann", "-", "und", "Die", "Frau", "sieht", "wohl-bekannte", ","]
WORDS += ["state-of-the-art", "Systeme", "&apos;s", "Über", "Ärger", "."]


def made_up(*, sentences: int = 40) -> tuple[list[str], list[str], list[str]]:
    """References, the better system, the worse one."""
    draw = random.Random(5)
    references = [" ".join(draw.choice(WORDS) for _ in range(draw.randint(1, 14))) for _ in range(sentences)]

    def rendered(line: str, rate: float) -> str:
        kept = [draw.choice(WORDS) if draw.random() < rate else w for w in line.split() if draw.random() > rate / 3]
        return " ".join(kept)

    return references, [rendered(line, 0.3) for line in references], [rendered(line, 0.45) for line in references]
