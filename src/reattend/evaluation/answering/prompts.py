"""Questions about documents as a model reads them.

A prompt's text is tokenised whole, so its tokens do not depend on which part of it is read first. Where it is too long
the document alone is cut, at its end and between two of its own tokens. Every question cuts for itself: the longer it
is, the less of the document there is room for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reattend.evaluation.address import Address, Choice
from reattend.settings import SettingError, typed

if TYPE_CHECKING:  # torch, which a finished run does without
    from reattend.data import Question
    from reattend.models.language import LanguageModel

DOCUMENT, QUESTION = "{document}", "{question}"


@dataclass(frozen=True)
class Form:
    """One way to ask."""

    text: str
    omitted: str  # what stands for the end of a document that was cut

    @classmethod
    def of(cls, prompts: Mapping[str, Any], name: str) -> "Form":
        """The form of that name."""
        if name not in prompts:
            raise SettingError("task.prompt", name, f"one of {', '.join(prompts)}", "Set task.prompt to one of them.")
        values = typed(f"task.prompts.{name}", prompts[name], dict)
        text, omitted = (typed(f"task.prompts.{name}.{key}", values.get(key), str) for key in ("text", "omitted"))
        if (text.count(DOCUMENT), text.count(QUESTION)) != (1, 1):
            expected = f"a text with {DOCUMENT} and {QUESTION} in it, once each"
            raise SettingError(f"task.prompts.{name}.text", text, expected, "Correct it.")
        return cls(text, omitted)

    def filled(self, document: str, question: str) -> str:
        """The prompt's text; neither is looked into for places."""
        before, after = self.text.split(DOCUMENT)
        return "".join((before.replace(QUESTION, question), document, after.replace(QUESTION, question)))


@dataclass(frozen=True)
class Prompt:
    """What is read before an answer is written."""

    tokens: list[int]
    text: str
    cut: int  # tokens of the document that were left out


class NoRoom(Exception):  # noqa: N818 - of one question, which is no error yet
    """A prompt is too long without any of its document."""


class Asker:
    """Makes the prompts for one model."""

    def __init__(
        self, form: Form, lm: "LanguageModel", *, chat: Choice, bos: Choice, most: int | None, setting: str
    ) -> None:
        """`most` tokens of a prompt, as `setting` says."""
        self.form, self.lm, self.most, self.setting = form, lm, most, setting
        instead = f"auto or false, as {lm.name} has no chat template"
        self.address = Address.of(lm, chat=chat, bos=bos, instead=instead)
        self._document = lru_cache(maxsize=1)(lm.encode)

    def prompt(self, question: "Question") -> Prompt:
        """The prompt of a question, its document cut where there is no room for all of it."""
        whole = self._prompt(question, question.text, cut=0)
        if self.most is None or len(whole.tokens) <= self.most:
            return whole
        room = self.most - self.least(question)
        spans = self._document(question.text).spans
        kept = min(room, len(spans) - 1)
        while kept > 0:
            part = question.text[: spans[kept - 1, 1]] + self.form.omitted
            found = self._prompt(question, part, cut=len(spans) - kept)
            if len(found.tokens) <= self.most:
                return found
            kept -= len(found.tokens) - self.most  # tokens at the seams may be others than those of the parts
        raise NoRoom

    def prompts(self, questions: Sequence["Question"]) -> list[Prompt]:
        """Those of all questions; where some have no room, what is said is enough for each."""
        found, unfit = [], []
        for question in questions:
            try:
                found.append(self.prompt(question))
            except NoRoom:
                unfit.append(question)
        if unfit:
            longest = max(unfit, key=self.least)
            least = f"{self.least(longest):,} tokens that question {longest.id} takes without its document"
            raise SettingError(self.setting, self.most, f"more than the {least}", f"Raise {self.setting}.")
        return found

    def least(self, question: "Question") -> int:
        """The tokens of a prompt that holds nothing of its document."""
        return len(self._prompt(question, self.form.omitted, cut=0).tokens)

    def _prompt(self, question: "Question", document: str, *, cut: int) -> Prompt:
        said = self.address.said(self.form.filled(document, question.question))
        return Prompt(self.address.tokens(said), said, cut)

    def answer(self, prompt: Prompt, answer: str) -> list[int]:
        """The tokens of somebody's answer after a prompt."""
        joined = answer.strip() if self.address.chat or prompt.text[-1:].isspace() else f" {answer.strip()}"
        whole = self.address.tokens(prompt.text + joined)
        end = len(prompt.tokens)
        if whole[:end] == prompt.tokens and len(whole) > end:
            return whole[end:]
        alone: list[int] = self.lm.encode(joined).ids.tolist()
        return alone


def shared(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all prompts begin with, of which at least one is left to each."""
    shortest = min(map(len, prompts))
    same = (len(set(column)) == 1 for column in zip(*prompts, strict=False))
    return min(next((place for place, equal in enumerate(same) if not equal), shortest), shortest - 1)
