"""What others report of a corpus: the yardstick of what comes out here."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What others report of a corpus, by split; what is not published is left out."""

    tokens: Mapping[str, int] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    words: Mapping[str, int] = field(default_factory=dict)  # where they are no tokens
    books: Mapping[str, int] = field(default_factory=dict)
    about: Mapping[str, int] = field(default_factory=dict)  # tokens where only an estimate is known: never checked
    vocabulary: int | None = None
    md5: Mapping[str, str] = field(default_factory=dict)  # of the split's file; under "" of the one that is divided
