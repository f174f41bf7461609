"""BLEU from six whole numbers a sentence, for one corpus or for thousands of resampled ones at once.

Papineni et al., "BLEU: a method for automatic evaluation of machine translation" (ACL 2002):

    BLEU = 100 * min(1, exp(1 - r/h)) * exp(mean over n = 1..4 of ln(correct_n / total_n))

h and r are the lengths of all translations and of all references. A sentence keeps correct_1..4, its own length and
its reference's; total_n = max(0, length - n + 1). Where an order has no match its precision is 1 / (2^k total_n) for
the k-th such order, as in mteval-v13a and sacrebleu (smoothing "exp").
"""

from collections.abc import Iterable, Sequence

import numpy as np

ORDERS = 4
FIELDS = ORDERS + 2  # correct_1..4, length of the translation, length of the reference


def to_lines(sentences: np.ndarray) -> list[str]:
    """[N, 6] as text for a record: `correct_1 ... correct_4 length reference`."""
    return [" ".join(map(str, row)) for row in sentences.tolist()]


def from_lines(lines: Iterable[str]) -> np.ndarray:
    """[N, 6] from that text; a ValueError where it is none."""
    rows = [[int(number) for number in line.split()] for line in lines]
    if any(len(row) != FIELDS or min(row) < 0 for row in rows):
        raise ValueError(f"a sentence is {FIELDS} whole numbers from 0 on")
    return np.array(rows, dtype=np.int64).reshape(-1, FIELDS)


def with_totals(sentences: np.ndarray) -> np.ndarray:
    """[N, 6] -> [N, 10], what may be summed over sentences: correct_1..4, the two lengths, total_1..4."""
    totals = np.maximum(0, sentences[:, ORDERS : ORDERS + 1] - np.arange(ORDERS))
    return np.concatenate([sentences, totals], axis=1)


def corpus_bleu(sentences: np.ndarray) -> float:
    """BLEU in percent of a corpus [N, 6]."""
    return float(bleu_of_sums(with_totals(sentences).sum(0)))


def bleu_of_sums(sums: np.ndarray) -> np.ndarray:
    """BLEU in percent [...] of summed statistics [..., 10]."""
    correct, lengths, totals = np.split(np.asarray(sums, dtype=np.float64), [ORDERS, ORDERS + 2], axis=-1)
    translated, reference = lengths[..., 0], lengths[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        halvings = np.cumsum(correct == 0, axis=-1)
        precisions = np.where(correct == 0, 0.5**halvings, correct) / totals
        mean = np.log(precisions).mean(-1)
        penalty = np.minimum(0.0, 1 - reference / translated)
        bleu = 100 * np.exp(mean + penalty)
    scored = (correct > 0).any(-1) & (totals > 0).all(-1)  # no match at all, or no 4-gram in the whole corpus: 0
    return np.where(scored, bleu, 0.0)


def stack(systems: Sequence[np.ndarray]) -> np.ndarray:
    """[N, S, 10] of S systems on the same N sentences; a ValueError where these are not the same number."""
    return np.stack([with_totals(sentences) for sentences in systems], axis=1)
