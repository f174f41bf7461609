"""Text of two languages as the numbers a translation model reads, and back. It travels inside the checkpoint.

plain text  <->  Moses tokens (lower-cased where the corpus is)  <->  BPE subwords  <->  numbers, EOS last
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

from reattend.data.parallel.bpe import Codes, join
from reattend.data.parallel.dictionary import EOS, UNK
from reattend.data.parallel.moses import detokenise, lowercase, tokenise


@dataclass(frozen=True)
class Language:
    """One side of a translation."""

    code: str  # as "de": chooses Moses' rules
    lowercase: bool
    split_hyphens: bool  # `well-known` -> `well @-@ known`
    codes: tuple[str, ...]  # the lines of a BPE code file
    symbols: tuple[str, ...]  # by number

    @cached_property
    def _codes(self) -> Codes:
        return Codes(self.codes)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    def tokenise(self, line: str) -> str:
        """Moses tokens of plain text, separated by blanks."""
        tokens = tokenise(line, language=self.code, aggressive=self.split_hyphens)
        return lowercase(tokens) if self.lowercase else tokens

    def segment(self, tokens: str) -> str:
        """Subwords of Moses tokens: all but the last of a token end in `@@`."""
        return self._codes.segment(tokens)

    def numbers(self, subwords: str) -> list[int]:
        """The numbers of subwords, EOS last."""
        return [*(self._numbers.get(symbol, UNK) for symbol in subwords.split()), EOS]

    def encode(self, line: str) -> list[int]:
        """The numbers of plain text, EOS last."""
        return self.numbers(self.segment(self.tokenise(line)))

    def tokens(self, ids: Sequence[int]) -> str:
        """The Moses tokens that numbers spell, without the special ones but for `<unk>`."""
        return join(" ".join(self.symbols[i] for i in ids if i > EOS))


@dataclass(frozen=True)
class Pipeline:
    """Both sides."""

    source: Language
    target: Language

    @property
    def sides(self) -> tuple[Language, Language]:
        return self.source, self.target

    @property
    def lowercase(self) -> bool:
        """Whether translations are lower-case, so that references must be."""
        return self.target.lowercase

    @property
    def direction(self) -> str:
        return f"{self.source.code}-{self.target.code}"

    def encode_source(self, line: str) -> list[int]:
        """Plain source text -> numbers, EOS last."""
        return self.source.encode(line)

    def encode_target(self, line: str) -> list[int]:
        """Plain target text -> numbers, EOS last."""
        return self.target.encode(line)

    def tokenised(self, ids: Sequence[int]) -> str:
        """Target numbers -> Moses tokens."""
        return self.target.tokens(ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Target numbers -> plain text."""
        return detokenise(self.tokenised(ids), language=self.target.code)

    def tokenise_reference(self, line: str) -> str:
        """Plain target text -> Moses tokens, as `tokenised` has them."""
        return self.target.tokenise(line)

    @cached_property
    def sha256(self) -> str:
        """Tells this pipeline from any other."""
        return hashlib.sha256(json.dumps(self.to_plain(), sort_keys=True).encode()).hexdigest()

    def to_plain(self) -> dict[str, Any]:
        """Texts, lists and truth values only, for JSON and for checkpoints that run no code."""
        sides = {"source": asdict(self.source), "target": asdict(self.target)}
        return {
            side: {key: list(value) if isinstance(value, tuple) else value for key, value in language.items()}
            for side, language in sides.items()
        }

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """The pipeline that `to_plain` wrote."""
        source, target = (
            Language(
                code=plain[side]["code"],
                lowercase=plain[side]["lowercase"],
                split_hyphens=plain[side]["split_hyphens"],
                codes=tuple(plain[side]["codes"]),
                symbols=tuple(plain[side]["symbols"]),
            )
            for side in ("source", "target")
        )
        return cls(source, target)
