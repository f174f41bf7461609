"""Records of stories that a language model wrote under a cache policy, and of a judge who compared two sets of them."""

from dataclasses import dataclass
from typing import Any, TypedDict

from reattend.records.record import LanguageModel, Record, State, TextFile, When

MISSING = "missing"
VERDICTS = ("first", "tie", "second", MISSING)


class Prompts(TypedDict):
    """What the stories are about; story number i has prompt number i modulo `count`."""

    source: str  # "task.prompt" or a file's name, never a folder of one machine
    sha256: str  # of the prompts as the model reads them, as JSON
    count: int


class Story(TypedDict):
    """What can be said of one story without its text; null where it is too short to say."""

    number: int
    sha256: str  # of its text in UTF-8
    prompt: int  # which prompt
    prompt_tokens: int
    tokens: int  # written, the token that ends a text not among them
    words: int
    ended: bool  # by the model; else it was cut at the longest length
    untouched: bool  # nothing had left the state before it ended: the full state writes the same
    own_nats: float  # -ln p of what was written, the end included, under the policy, at temperature 1
    full_nats: float  # -ln p of the tokens under the full state
    distinct_1: float | None
    distinct_2: float | None
    repeated_4: float | None
    longest_repeat: int
    seconds: float  # its share of its batch's


class StoriesTiming(When):
    writing_seconds: float
    tokens_per_second: float  # written, of all stories of a batch together


@dataclass(frozen=True)
class StoriesRecord(Record):
    """A pretrained model wrote stories under a cache policy."""

    kind = "stories"

    lm: LanguageModel
    prompts: Prompts
    predictions: TextFile
    stories: list[Story]
    state: State  # of one story
    timing: StoriesTiming


class Side(TypedDict):
    """One of two versions that were compared."""

    name: str  # of its record, or the file
    sha256: str  # of its texts
    config: dict[str, Any]  # of its record; empty where there was the file alone


class Sides(TypedDict):
    first: Side
    second: Side


class Comparison(TypedDict):
    """Two stories, shown in both orders."""

    number: int  # of the story
    verdict: str  # one of VERDICTS
    asked: bool  # equal texts are a tie that nobody needs to be asked for
    picks: list[str | None]  # A, B or C in either order, the first version being (A) and then (B); None: no answer
    answers: list[str | None]  # verbatim
    problems: list[str | None]  # why there is no answer


class Dropped(TypedDict):
    """Pairs that are no comparison: both stories ended before anything had left either state."""

    pairs: int
    differ: int  # of these, though they should be equal to the letter


class JudgementTiming(When):
    judging_seconds: float


@dataclass(frozen=True)
class JudgementRecord(Record):
    """A judge compared two sets of stories."""

    kind = "judgement"

    sides: Sides
    judge: dict[str, Any]  # the model asked for, and which models said that they answered
    comparisons: list[Comparison]
    dropped: Dropped
    timing: JudgementTiming
