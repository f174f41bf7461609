"""What others report of a prepared parallel corpus: enough to tell what training on it costs before it is fetched."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PairFacts:
    """Of the train split, as (source, target); an EOS a sentence counts."""

    pairs: int
    tokens: tuple[int, int]
    vocabulary: tuple[int, int]
    exact: bool  # or of a preparation that differs a little from the one asked for
