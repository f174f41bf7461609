"""Is the difference of two systems' BLEU more than the choice of test sentences? Paired bootstrap resampling.

Koehn, "Statistical significance tests for machine translation evaluation" (EMNLP 2004). Test sets of the same size
are drawn with replacement, both systems are scored on each. As in sacrebleu's PairedTest, to the digit:

    p = (1 + how often |difference of a draw| - mean of these > |difference|) / (1 + draws)

Deviation: systems that are equal sentence by sentence have p = 1, there 1 / (1 + draws).
The interval is that of the 2.5th and 97.5th percent of the drawn differences. It speaks of these two trained models on
other sentences, not of other seeds.
"""

from dataclasses import dataclass

import numpy as np

from reattend.metrics.ngrams import bleu_of_sums, stack

DRAWS, SEED = 1000, 12345


@dataclass(frozen=True)
class Difference:
    """BLEU of one system less that of the other, in percent points."""

    value: float
    interval: tuple[float, float]  # 95 %
    p: float


def paired_bootstrap(system: np.ndarray, baseline: np.ndarray, *, draws: int = DRAWS, seed: int = SEED) -> Difference:
    """The statistics [N, 6] of two systems' translations of the same N sentences, compared."""
    both = stack([system, baseline])  # [N, 2, 10]
    whole = bleu_of_sums(both.sum(0))
    real = float(whole[0] - whole[1])
    chosen = np.random.default_rng(seed).choice(len(both), size=(draws, len(both)), replace=True)
    sums = np.stack([both[sentences].sum(0) for sentences in chosen])  # [draws, 2, 10]
    scores = bleu_of_sums(sums)
    drawn = np.sort(scores[:, 0] - scores[:, 1])
    tail = draws // 40
    sizes = np.abs(drawn)
    above = int((sizes - sizes.mean() > abs(real)).sum())
    p = (above + 1) / (draws + 1) if drawn.any() else 1.0
    return Difference(real, (float(drawn[tail]), float(drawn[draws - 1 - tail])), p)
