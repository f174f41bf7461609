"""Plain text <-> Moses tokens, as tokenizer.perl and detokenizer.perl of mosesdecoder make them.

sacremoses is a port of the two; it is put right where it departs from them for German and English.
"""

import functools
from typing import ClassVar

import regex  # type: ignore[import-untyped]
from sacremoses import MosesDetokenizer, MosesPunctNormalizer, MosesTokenizer  # type: ignore[import-untyped]

_ALPHABETIC, _ALPHANUMERIC = r"\p{Alphabetic}", r"\p{Alphabetic}\p{Decimal_Number}"  # Perl's IsAlpha and IsAlnum
_LAST_PERIOD = regex.compile(r"(?<=\S)\.$")


def tokenise(line: str, *, language: str, aggressive: bool = False) -> str:
    """Tokens separated by blanks, `&`, quotes and brackets escaped: `It's` -> `It &apos;s`.

    `aggressive` splits at hyphens as `-a` does: `well-known` -> `well @-@ known`.
    """
    tokens: str = _tokeniser(language).tokenize(line, aggressive_dash_splits=aggressive, return_str=True)
    return tokens.strip()


def detokenise(tokens: str, *, language: str) -> str:
    """Text as people write it: escapes undone, no blanks before punctuation."""
    text: str = _detokeniser(language).detokenize(tokens.split(" "))
    return text


def normalise(line: str, *, language: str) -> str:
    """Plain text with ASCII quotes and dashes, without control characters, as WMT's corpora are prepared.

    That is normalize-punctuation.perl, then remove-non-printing-char.perl.
    """
    text: str = regex.sub(r"\p{C}", " ", _normaliser(language).normalize(line))
    return text.strip()


def lowercase(tokens: str) -> str:
    """Each letter by itself, as lowercase.perl does; `str.lower` would choose another sigma at the end of a word."""
    return tokens.lower() if "Σ" not in tokens else "".join(map(str.lower, tokens))


class _Tokeniser(MosesTokenizer):
    # sacremoses lists the characters that Perl calls letters, an old list without Chinese, Japanese and Korean ones:
    # it would put blanks around each of them
    PAD_NOT_ISALNUM = regex.compile(rf"([^{_ALPHANUMERIC}\s\.'\`\,\-])"), r" \1 "
    AGGRESSIVE_HYPHEN_SPLIT = regex.compile(rf"([{_ALPHANUMERIC}])\-(?=[{_ALPHANUMERIC}])"), r"\1 @-@ "
    ENGLISH_SPECIFIC_APOSTROPHE: ClassVar = [
        (regex.compile(rf"([^{_ALPHABETIC}])'([^{_ALPHABETIC}])"), r"\1 ' \2"),
        (regex.compile(rf"([^{_ALPHABETIC}\p{{N}}])'([{_ALPHABETIC}])"), r"\1 ' \2"),
        (regex.compile(rf"([{_ALPHABETIC}])'([^{_ALPHABETIC}])"), r"\1 ' \2"),
        (regex.compile(rf"([{_ALPHABETIC}])'([{_ALPHABETIC}])"), r"\1 '\2"),
        (regex.compile(r"(\p{N})'(s)"), r"\1 '\2"),
    ]
    DEDUPLICATE_SPACE = regex.compile(r"\p{White_Space}+"), " "  # the separators \x1c to \x1f are junk, not blanks

    def isanyalpha(self, text: str) -> bool:
        return bool(regex.search(_ALPHABETIC, text))

    def islower(self, text: str) -> bool:
        return bool(regex.fullmatch(r"\p{Lowercase}+", text))

    def handles_nonbreaking_prefixes(self, text: str) -> str:
        # "split last words independently as they are unlikely to be non-breaking prefixes": the rule of tokenizer.perl
        # that sacremoses leaves out; it keeps the period of `... in the U.S.` and of `... A, B and C.`
        split: str = super().handles_nonbreaking_prefixes(_LAST_PERIOD.sub(" .", text.rstrip()))
        return split


@functools.cache
def _tokeniser(language: str) -> MosesTokenizer:
    return _Tokeniser(language)


@functools.cache
def _normaliser(language: str) -> MosesPunctNormalizer:
    return MosesPunctNormalizer(language, perl_parity=True)


@functools.cache
def _detokeniser(language: str) -> MosesDetokenizer:
    return MosesDetokenizer(language)
