"""Which number stands for which subword, as fairseq-preprocess decides it.

Four special symbols, then the subwords of the train split by falling count, equal counts in alphabetical order, then
made-up words until the size is a multiple of 8, which GPUs like. Sizes equal those that fairseq's logs print.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

BOS, PAD, EOS, UNK = 0, 1, 2, 3  # a decoder's input begins with EOS, as in fairseq; BOS is never used
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
MULTIPLE = 8


def count_symbols(lines: Iterable[str]) -> Counter[str]:
    """How often each subword occurs in lines of them, separated by blanks."""
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(line.split())
    return counts


def symbols_of(counts: Mapping[str, int]) -> tuple[str, ...]:
    """The symbols by number."""
    ordered = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
    known = [*SPECIAL, *(symbol for symbol in ordered if symbol not in SPECIAL)]
    return (*known, *(f"madeupword{i:04}" for i in range(-len(known) % MULTIPLE)))
