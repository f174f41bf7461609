"""clean-corpus-n: which pairs go and why, by its rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reattend.data.parallel.cleaning import clean


def words(count: int) -> str:
    return " ".join(["w"] * count)


def test_each_fault_is_counted_once() -> None:
    pairs = [
        ("a b", "c d"),
        ("", "c"),
        ("  ", "c"),
        ("a", "|"),  # nothing is left of it
        (words(7), words(7)),
        (words(6), words(6)),
        ("a", words(3)),  # too short goes before too unequal
        (words(2), words(4)),
        (words(4), words(6)),  # 1.5 to 1 is still kept
        ("x" * 1001 + " b", "c d"),
        ("x" * 1000 + " b", "c d"),
    ]
    found = clean(*zip(*pairs, strict=True), ratio=1.5, shortest=2, longest=6)
    assert found.kept == [0, 5, 8, 10]
    expected = {"empty": 3, "too long": 1, "too short": 1, "too unequal": 1, "a token too long": 1}
    assert found.dropped == expected


def test_blanks_are_made_single_and_bars_go() -> None:
    found = clean(["x", " a |  b\u00a0c "], ["y", "d\te f"], ratio=9, shortest=1, longest=80)
    assert (found.source, found.target) == (["x", "a b c"], ["y", "d e f"])


def test_bars_of_a_factored_text_stay() -> None:
    found = clean(["a|N b|V", "a| b", "a |V"], ["c|N", "d|N", "e|N"], ratio=9, shortest=1, longest=80)
    assert (found.source, found.target) == (["a|N b|V", "a| b"], ["c|N", "d|N"])
    assert found.dropped == {"an empty factor": 1}


def test_sides_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        clean(["a"], ["b", "c"], ratio=9, shortest=1, longest=80)


SIDES = st.lists(st.tuples(st.text("ab |", max_size=12), st.text("ab ", max_size=12)), max_size=8)


@given(SIDES)
def test_every_pair_is_kept_or_counted(pairs: list[tuple[str, str]]) -> None:
    source, target = [one for one, _ in pairs], [other for _, other in pairs]
    found = clean(source, target, ratio=2, shortest=1, longest=3)
    assert len(found.kept) + sum(found.dropped.values()) == len(pairs)
    assert len(found.source) == len(found.target) == len(found.kept)
    lengths = [sorted((len(a.split()), len(b.split()))) for a, b in zip(found.source, found.target, strict=True)]
    assert all(1 <= few <= many <= min(3, 2 * few) for few, many in lengths)
