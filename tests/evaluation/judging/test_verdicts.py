"""What answers of a judge mean, and that the question is the paper's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@pytest.mark.parametrize(
    ("answer", "option"),
    [
        ("Response A is better.", "A"),
        ("I choose B", "B"),
        ("The answer is: C", "C"),
        ("Answer: Response B", "B"),
        ("**Answer:** B", "B"),
        ("My choice: B.", "B"),
        ("The better response is B.", "B"),
        ("The final answer is Response A!", "A"),
        ("I think that response A is slightly better.", "A"),
        ("I would go with option C.", "C"),
        ("In my opinion, B is the better response", "B"),
        ("Response 'B' wins.", "B"),
        ("C for equal quality", "C"),
        ("C, equal quality.", "C"),
        ("A is better than B in style, but B", None),
        ("A is better than B", None),
        ("Response A is better in style.", None),
        ("Response A is better, but B is longer.", None),
        ("Response A is not better.", None),
        ("Response A is better. Response B is better.", None),
        ("Response A might be better", None),
        ("Is response A better?", None),
        ("I choose A or B", None),
        ("I would not choose B", None),
        ("I cannot choose B", None),
        ("I choose D", None),
        ("I prefer a", None),  # story, perhaps
        ("I prefer a story", None),
        ("A better response is B or C", None),
        ("The worse response is B", None),
        ("Answer: both A and B", None),
        ("B for equal quality", None),
        ("Response A is better\nResponse B is better", None),
        ("I choose B. Wait, A", None),
    ],
)
def test_a_plain_choice_is_one_and_nothing_else_is(answer: str, option: str | None) -> None:
    assert pick(answer) == option


PLAIN = (
    *("I choose {}", "I'd pick {}.", "Response {} is better.", "{} is the best one", "The answer is: {}"),
    *("Answer: Response {}", "My final choice is {}.", "I believe option {} is preferable", "The better story is {}."),
)
SPOILT = ("{0} But {1}.", "{0}, or {1}", "{0} than {1} in style, but {1}", "{1}? {0}", "{0}\n{1}", "Not so: {0} {1}")


@given(st.sampled_from(PLAIN), st.sampled_from("ABC"))
def test_plain_forms_name_their_option(form: str, option: str) -> None:
    assert pick(form.format(option)) == pick(f" **{form.format(option)}**\n") == option


@given(st.sampled_from(PLAIN), st.sampled_from(SPOILT), st.permutations("ABC"))
def test_plain_forms_beside_another_option_name_none(form: str, spoilt: str, options: list[str]) -> None:
    assert pick(spoilt.format(form.format(options[0]), options[1])) is None


@given(st.sampled_from(PLAIN), st.text("abcdefgh ", min_size=1))
def test_a_word_is_no_option(form: str, word: str) -> None:
    assert word.strip() == "" or pick(form.format(word)) is None


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
