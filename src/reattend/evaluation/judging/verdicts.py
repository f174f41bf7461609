"""What a judge of two texts is asked, and what the answers mean (arXiv 2401.06104).

Each pair is shown twice, the second time with the texts in the other order. A version wins if both answers name it;
all else that both answers say is a tie. Without two answers that name an option the comparison is missing: the paper
says nothing of such cases, and a tie would be a judgement that nobody made.
"""

import re
from collections.abc import Sequence

from reattend.records.stories import MISSING

PROMPT = (
    "Help me decide which response is better given the prompt: {prompt} Which of the following responses is better "
    "(the responses are separated by '------------'): Response (A): {first} ------------ Response (B): {second} "
    "Comparing these two responses, which response is better (A), (B) or (C) for equal quality? please select one "
    "and only one option, be as concisely as you can, using a single phrase."
)
PLACE = re.compile(r"\{(prompt|first|second)\}")
OPTION = re.compile(r"\(([ABC])\)", re.IGNORECASE)
ALONE = re.compile(r"\W*(?:(?:response|option|answer)\W+)?([ABC])\W*", re.IGNORECASE)
# What says plainly which option it takes, from its first letter to its last: no reasons, no reservations, and the
# letter a capital, as "I prefer a" may be a sentence that was cut.
THING = r"(?i:response|option|answer|story|choice|one)"
LETTER = rf"(?:(?i:the\s+)?{THING}\s+)?[\"'“‘(\[]?([ABC])[\"'”’)\]]?"
THINKS = r"(?i:(?:i\s+(?:think|believe|find|would\s+say)(?:\s+that)?|in\s+my\s+opinion|overall),?\s+)?"
TAKES = r"(?i:i(?:\s+would|['’]d|\s+will|['’]ll)?\s+(?:choose|pick|select|prefer|go\s+with|vote\s+for))"
CALLED = rf"(?i:(?:(?:the|my|final|better|best|correct|preferred)\s+)*(?:{THING}|pick|selection|verdict|preference))"
IS = r"(?:(?i:\s+(?:is|would\s+be))\s*:?|\s*:)"
HOW = r"(?i:(?:clearly|definitely|overall|slightly|much|far)\s+)?"
BETTER = rf"(?i:(?:the\s+)?{HOW}(?:better|best|superior|preferable|preferred|stronger)(?:\s+{THING})?)"
FORMS = (
    rf"{THINKS}{TAKES}\s+{LETTER}",  # I choose B
    rf"{THINKS}{CALLED}{IS}\s*{LETTER}",  # the answer is: C
    rf"{THINKS}{LETTER}\s+(?i:is)\s+{BETTER}",  # Response A is better
    rf"{THINKS}{LETTER}\s+(?i:wins)",
    r"([C])\W+(?i:for\s+)?(?i:equal\s+quality)",
)
CLEAR = re.compile("|".join(FORMS))
MARKS = re.compile(r"[*_`]+")  # of Markdown


def question(prompt: str, first: str, second: str) -> str:
    """The paper's words about two responses to a prompt."""
    texts = {"prompt": prompt, "first": first, "second": second}
    return PLACE.sub(lambda place: texts[place[1]], PROMPT)


def pick(answer: str) -> str | None:
    """The one option, `A`, `B` or `C`, that an answer names as `(A)`, consists of or plainly takes; else None."""
    named = {option.upper() for option in OPTION.findall(answer)}
    if named:
        return named.pop() if len(named) == 1 else None
    alone = ALONE.fullmatch(answer)
    if alone:
        return alone[1].upper()
    clear = CLEAR.fullmatch(MARKS.sub("", answer).strip().rstrip(".! \n"))
    return next(option for option in clear.groups() if option) if clear else None


def verdict(picks: Sequence[str | None]) -> str:
    """`first` or `second` version, `tie` or `missing`, of the picks in the first version's order and in the other."""
    if None in picks:
        return MISSING
    return {("A", "B"): "first", ("B", "A"): "second"}.get((str(picks[0]), str(picks[1])), "tie")
