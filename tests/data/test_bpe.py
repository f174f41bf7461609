"""BPE: merges found by hand on a small text, and fairseq's subwords of IWSLT14."""

import lzma
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reattend.data.parallel.bpe import VERSION, Codes, join, learn
from reattend.settings import SettingError

IWSLT14 = Path(__file__).parents[2] / "../shared/data/iwslt14_de_en"
WORDS = ["low low low low low lower lower", "newest newest newest newest newest newest widest widest widest"]


def by_hand(lines: list[str], merges: int) -> list[str]:
    """Merge the commonest pair of neighbours, of equally common ones the last in the alphabet, again and again."""
    words = [(*word[:-1], word[-1] + "</w>") for line in lines for word in line.split()]
    codes = [VERSION]
    for _ in range(merges):
        pairs = Counter(pair for word in words for pair in pairwise(word))
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        if pairs[best] < 2:
            break
        codes.append(" ".join(best))
        words = [merged(word, best) for word in words]
    return codes


def merged(word: tuple[str, ...], pair: tuple[str, ...]) -> tuple[str, ...]:
    out: list[str] = []
    i = 0
    while i < len(word):
        wide = 2 if word[i : i + 2] == pair else 1
        out.append("".join(word[i : i + wide]))
        i += wide
    return tuple(out)


@pytest.mark.parametrize("merges", [0, 1, 5, 50])
def test_merges_of_the_paper_s_example(merges: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert list(learn(WORDS, merges=merges)) == by_hand(WORDS, merges)
    assert capfd.readouterr() == ("", "")  # no bar, no remark


@given(st.lists(st.text("abcé ", max_size=12), max_size=6), st.integers(0, 12))
def test_merges_of_any_text(lines: list[str], merges: int) -> None:
    assert list(learn(lines, merges=merges)) == by_hand(lines, merges)


def test_segment_merges_in_the_order_learnt() -> None:
    codes = Codes((VERSION, "l o", "lo w</w>", "e r</w>", "lo w"))
    assert codes.segment("low lower slow x") == "low low@@ er s@@ low x"


def test_no_merges_split_into_letters() -> None:
    assert Codes((VERSION,)).segment("ab c") == "a@@ b c"


@given(st.text("abc@&; ", max_size=30).map(lambda text: " ".join(text.split())))
def test_join_undoes_segment(line: str) -> None:
    if "@@" not in line:
        assert join(Codes(learn(WORDS, merges=3)).segment(line)) == line


def test_join_drops_a_dangling_mark() -> None:
    assert join("low@@ er new@@") == "lower new"  # a hypothesis may end in the middle of a word


@pytest.mark.parametrize("lines", [(), ("a b",), (VERSION, "a"), (VERSION, "a b c"), (VERSION, "")])
def test_broken_codes_are_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(SettingError):
        Codes(lines)


def lines_of(file: str) -> list[str]:
    return lzma.decompress((IWSLT14 / file).read_bytes()).decode().split("\n")[:-1]


@cache
def fairseq_codes() -> Codes:
    return Codes(lines_of("bpe10k/code.xz"))


@pytest.mark.skipif(not IWSLT14.exists(), reason="the shared data is not here")
@pytest.mark.parametrize("name", ["valid.de", "valid.en", "test.de", "test.en"])
def test_iwslt14_to_the_byte(name: str) -> None:
    codes = fairseq_codes()
    tokens, subwords = lines_of(f"tok/{name}.xz"), lines_of(f"bpe10k/{name}.xz")
    assert [codes.segment(line) for line in tokens] == subwords
    assert [join(line) for line in subwords] == tokens
