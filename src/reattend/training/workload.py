"""How much a run reads, by published counts where there are any: then no file is fetched or opened."""

from dataclasses import dataclass

import numpy as np

from reattend.data import Corpus, ParallelCorpus
from reattend.data.batches import TrainingBatches
from reattend.data.prepared.facts import Facts
from reattend.training.objective import Trainable

FILLED = 0.9  # of data.max_tokens by the side with more tokens: IWSLT14 0.90, Tatoeba 0.93, user interfaces 0.8 to 0.9
PUBLISHED, COUNTED = "as published", "counted here"


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A batch is `examples` times the mean example; an epoch is a whole number of steps."""

    vocabulary: int | tuple[int, int]
    context: int  # that the model is made for
    example: tuple[float, ...]  # tokens of each of the model's inputs
    examples: float
    fullest: float  # examples of the largest batch
    batches: int  # of an epoch
    what: str  # an epoch's data in words


def workload(corpus: Trainable, *, seed: int, accumulate: int) -> Workload:
    """What training on `corpus` reads."""
    how = {"seed": seed, "accumulate": accumulate}
    return _pairs(corpus, **how) if isinstance(corpus, ParallelCorpus) else _text(corpus, **how)


def _text(corpus: Corpus, *, seed: int, accumulate: int) -> Workload:
    facts = corpus.published() or Facts()
    known = facts.tokens.get("train", facts.about.get("train"))
    tokens = corpus.splits()["train"] if known is None else np.broadcast_to(np.uint8(0), known)  # takes no memory
    batches = TrainingBatches(
        tokens, context=corpus.context, batch_size=corpus.batch_size, seed=seed, accumulate=accumulate
    )
    vocabulary = facts.vocabulary or corpus.vocabulary
    origin = COUNTED if known is None else PUBLISHED if "train" in facts.tokens else "about"
    return Workload(
        vocabulary=vocabulary,
        context=corpus.context,
        example=(corpus.context,),
        examples=corpus.batch_size,
        fullest=corpus.batch_size,
        batches=len(batches),
        what=f"{len(tokens):,} {corpus.unit}s, vocabulary {vocabulary:,} ({origin})",
    )


def _pairs(corpus: ParallelCorpus, *, seed: int, accumulate: int) -> Workload:
    facts = corpus.published()
    if facts is None:
        train = corpus.manifest["splits"]["train"]
        pairs, both = train["pairs"], (train["source_tokens"], train["target_tokens"])
        vocabulary, context = corpus.vocabulary, corpus.context
        batches = len(corpus.training_batches(seed=seed, accumulate=accumulate))
    else:
        pairs, both, vocabulary = facts.pairs, facts.tokens, facts.vocabulary
        context = corpus.recipe.max_length + 1
        steps = round(max(both) / (FILLED * corpus.max_tokens * accumulate))
        batches = max(1, steps) * accumulate
    origin = COUNTED if facts is None else PUBLISHED if facts.exact else "about: of another preparation"
    symbols = " and ".join(f"{size:,}" for size in dict.fromkeys(vocabulary))
    return Workload(
        vocabulary=vocabulary,
        context=context,
        example=(both[0] / pairs, both[1] / pairs),
        examples=pairs / batches,
        fullest=corpus.max_tokens * pairs / max(both),
        batches=batches,
        what=f"{pairs:,} pairs, {both[0]:,} and {both[1]:,} tokens, vocabulary {symbols} ({origin})",
    )
