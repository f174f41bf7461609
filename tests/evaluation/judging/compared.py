"""Stories of two versions, and a judge of taste behind an endpoint on this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stub_judge import Stub, Told, served

from reattend.evaluation.judging.endpoint import Reply
from reattend.records import JudgementRecord

KEY = "sk-verysecret0123456789"
Judge = Callable[..., JudgementRecord]
Ask = Callable[..., tuple[Reply, list[float], Stub]]
STORIES = {  # number: text of the first version and of the second
    0: ("good 0", "bad 0"),
    1: ("bad 1", "good 1"),
    2: ("plain 2", "even 2"),
    3: ("same 3", "same 3"),
    4: ("good 4", "bad 4"),
}


def by_taste(asked: str, _: int) -> Told:
    """The good one wherever it stands, else the first."""
    _, _, shown = asked.partition("Response (A): ")
    first, _, rest = shown.partition(" ------------ Response (B): ")
    second, _, _ = rest.partition(" Comparing ")
    return Told("(A)" if "good" in first or "good" not in second else "(B).")


@contextmanager
def scripted(script: dict[int, Told]) -> Iterator[Stub]:
    """By taste, but for the questions with these numbers."""
    with served(lambda asked, number: script.get(number) or by_taste(asked, number)) as stub:
        yield stub
