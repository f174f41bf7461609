"""What answers of a judge mean, and that the question is the paper's."""

import pytest

from reattend.evaluation.judging.verdicts import pick, question, verdict


def test_the_question_is_the_papers_word_for_word() -> None:
    assert question("Tell {first}.", "One {second} (B)", "Two") == (
        "Help me decide which response is better given the prompt: Tell {first}. Which of the following responses is "
        "better (the responses are separated by '------------'): Response (A): One {second} (B) ------------ Response "
        "(B): Two Comparing these two responses, which response is better (A), (B) or (C) for equal quality? please "
        "select one and only one option, be as concisely as you can, using a single phrase."
    )


@pytest.mark.parametrize(
    ("answer", "option"),
    [
        ("(A)", "A"),
        ("(B).", "B"),
        ("Response (C) for equal quality", "C"),
        ("(A) is better: I prefer (A)", "A"),
        ("A", "A"),
        (" **b** \n", "B"),
        ("Response B.", "B"),
        ("option: c", "C"),
        ("", None),
        ("(D)", None),
        ("(A) or (B)", None),
        ("(A) is better than (B)", None),
        ("A better story", None),  # an article, maybe
        ("Both are equally good", None),
        ("I cannot judge that.", None),
        ("(a)", "A"),
    ],
)
def test_an_answer_names_one_option_or_none(answer: str, option: str | None) -> None:
    assert pick(answer) == option


def test_a_win_needs_both_orders() -> None:
    expected = {
        "AB": "first",  # (A) is the first version, then the second one
        "BA": "second",
        "AA": "tie",  # whatever stands first
        "BB": "tie",
        "AC": "tie",
        "CB": "tie",
        "CC": "tie",
    }
    assert {both: verdict(tuple(both)) for both in expected} == expected


@pytest.mark.parametrize("picks", [(None, "A"), ("B", None), (None, None), (None, "C")])
def test_what_is_missing_is_no_tie(picks: tuple[str | None, str | None]) -> None:
    assert verdict(picks) == "missing"
