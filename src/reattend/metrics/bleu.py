"""Three BLEUs that must never be mixed, and chrF; all are counted by sacrebleu.

| kind | text | tokens | case |
|---|---|---|---|
| `sacrebleu` | detokenised | mteval's 13a | kept; lowered where asked for, and then the signature says `case:lc` |
| `tokenised` | Moses tokens | none, as they are | lowered: `multi-bleu.perl -lc` |
| `compound_split` | Moses tokens, `a-b` cut into three | none | kept: fairseq's compound_split_bleu.sh |

`tokenised` equals multi-bleu.perl unless an n-gram order has no match in the whole corpus, where multi-bleu says 0 and
sacrebleu smooths; and multi-bleu lowers ASCII letters only, which makes no difference to text that is lower-cased.
Compound splitting adds 0.7 to 1 BLEU in German for the same translations.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from reattend.metrics.ngrams import FIELDS

COMPOUND = re.compile(r"(\S)-(\S)")


@dataclass(frozen=True)
class Score:
    """A corpus score in percent, and the words without which it cannot be compared."""

    value: float
    signature: str
    sentences: np.ndarray  # [N, 6] int64, see metrics/ngrams.py; [N, 0] where a score has no such statistics


class Text(Protocol):
    """What turns a model's numbers into text: the pipeline of a parallel corpus."""

    @property
    def lowercase(self) -> bool: ...

    def decode(self, ids: Sequence[int]) -> str:
        """Plain text."""

    def tokenised(self, ids: Sequence[int]) -> str:
        """Moses tokens."""

    def tokenise_reference(self, line: str) -> str:
        """Plain text -> Moses tokens."""


def every_score(text: Text, translations: Sequence[Sequence[int]], references: Sequence[str]) -> dict[str, Score]:
    """Each score of translations, given as numbers, by its name in records; the references are plain text."""
    plain, tokens = [text.decode(ids) for ids in translations], [text.tokenised(ids) for ids in translations]
    reference_tokens = [text.tokenise_reference(line) for line in references]
    return {
        "sacrebleu": sacre_bleu(plain, references, lowercase=text.lowercase),
        "tokenised_bleu": tokenised_bleu(tokens, reference_tokens),
        "compound_split_bleu": compound_split_bleu(tokens, reference_tokens),
        "chrf": chrf2(plain, references, lowercase=text.lowercase),
    }


def sacre_bleu(translations: Sequence[str], references: Sequence[str], *, lowercase: bool = False) -> Score:
    """Of detokenised text."""
    return _bleu(translations, references, lowercase=lowercase)


def tokenised_bleu(translations: Sequence[str], references: Sequence[str]) -> Score:
    """Of Moses tokens, lower-cased."""
    return _bleu(translations, references, lowercase=True, tokenize="none")


def compound_split_bleu(translations: Sequence[str], references: Sequence[str]) -> Score:
    """Of Moses tokens with hyphenated compounds cut on both sides."""
    return _bleu(split_compounds(translations), split_compounds(references), tokenize="none")


def split_compounds(lines: Sequence[str]) -> list[str]:
    """`state-of-the-art` -> `state ##AT##-##AT## of ##AT##-##AT## the ##AT##-##AT## art`."""
    return [COMPOUND.sub(r"\1 ##AT##-##AT## \2", line) for line in lines]


def chrf2(translations: Sequence[str], references: Sequence[str], *, lowercase: bool = False) -> Score:
    """Popovic, "chrF: character n-gram F-score" (WMT 2015), recall twice as important; of detokenised text."""
    metric = CHRF(lowercase=lowercase)
    value = metric.corpus_score(list(translations), [list(references)]).score
    return Score(value, str(metric.get_signature()), np.zeros((len(translations), 0), dtype=np.int64))


def _bleu(translations: Sequence[str], references: Sequence[str], **options: Any) -> Score:
    # force: tokenised text is meant here, so sacrebleu need not warn of it
    whole, single = BLEU(force=True, **options), BLEU(force=True, effective_order=True, **options)
    value = whole.corpus_score(list(translations), [list(references)]).score
    rows = [_counts(single, *pair) for pair in zip(translations, references, strict=True)]
    return Score(value, str(whole.get_signature()), np.array(rows, dtype=np.int64).reshape(-1, FIELDS))


def _counts(metric: BLEU, translation: str, reference: str) -> list[int]:
    found = metric.sentence_score(translation, [reference])
    return [*found.counts, found.sys_len, found.ref_len]
