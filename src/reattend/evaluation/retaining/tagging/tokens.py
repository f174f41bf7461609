"""The part of speech of each token of a language model: that of the word which holds its first character.

Words are those of the Penn Treebank (NLTK's word tokenizer), in sentences that NLTK's Punkt finds with abbreviations
learnt from the text itself (Kiss and Strunk 2006): neither needs a download. Blanks at a token's beginning are not
counted; a token of blanks alone is `blank`, and a line feed is a word of its own, as in arXiv 2401.06104, Table 5.
Words without a letter or digit get their tag by what they are, not by the tagger; all double quotation marks are ''.
The paper says neither how it found words nor how it matched them with tokens.
"""

import re
from collections.abc import Iterator

import numpy as np
from nltk.tokenize.destructive import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktSentenceTokenizer

from reattend.evaluation.retaining.tagging.base import Tagger

LINE, BLANK, OTHER = "\\n", "blank", "SYM"
MARKS = {  # first character of a word without letters and digits -> its tag
    **dict.fromkeys(".!?", "."),
    **dict.fromkeys(",", ","),
    **dict.fromkeys(":;-–—…", ":"),
    **dict.fromkeys("([{<", "("),
    **dict.fromkeys(")]}>", ")"),
    **dict.fromkeys("\"“”„«»‘’`'", "''"),
    **dict.fromkeys("$£€¥", "$"),
    **dict.fromkeys("#", "#"),
}
ELLIPSIS = re.compile(r"\.{2,}")
WORD = re.compile(r"\w+|[^\w\s]")


def token_tags(text: str, spans: np.ndarray, tagger: Tagger) -> list[str]:
    """The tags of tokens that lie at `spans` [N, 2] of `text`, from its beginning on."""
    end = int(spans[-1, 1])
    names: list[str] = [BLANK]
    at = np.zeros(end, dtype=np.int64)  # which of `names` each character has
    for start, stop, tag in _words(text, end, tagger):
        if tag not in names:
            names.append(tag)
        at[start:stop] = names.index(tag)
    return [names[_first(at, int(start), int(stop))] for start, stop in spans]


def _first(at: np.ndarray, start: int, stop: int) -> int:
    """Of the first character that is no blank; an empty token is a later part of the character before it."""
    if start == stop:
        start -= 1
    marked = np.flatnonzero(at[start:stop])
    return int(at[start + marked[0]]) if len(marked) else 0


def _words(text: str, end: int, tagger: Tagger) -> Iterator[tuple[int, int, str]]:
    """Place and tag of each word of text[:end] and a little more, and of each line feed."""
    for start, stop in PunktSentenceTokenizer(text).span_tokenize(text):
        if start >= end:
            break
        sentence = text[start:stop]
        places = _places(sentence)
        words = [sentence[a:b] for a, b in places]
        for (a, b), word, tag in zip(places, words, tagger.tag(words), strict=True):
            yield start + a, start + b, _mark(word) or tag
    for found in re.finditer("\n", text[:end]):
        yield found.start(), found.end(), LINE


def _places(sentence: str) -> list[tuple[int, int]]:
    try:
        return list(NLTKWordTokenizer().span_tokenize(sentence))
    except ValueError:  # it loses its place where kinds of quotation marks are mixed
        return [match.span() for match in WORD.finditer(sentence)]


def _mark(word: str) -> str | None:
    """The tag of a word that is none; a single quotation mark may be a genitive, which the tagger knows."""
    if any(map(str.isalnum, word)) or word in ("'", "’", "&"):
        return None
    return ":" if ELLIPSIS.fullmatch(word) else MARKS.get(word[0], OTHER)
