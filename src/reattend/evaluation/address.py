"""How a model is addressed: in its chat template or plainly, and from the token that marks a start or without it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from reattend.settings import SettingError

if TYPE_CHECKING:  # torch, which a finished run does without
    from reattend.models.language import LanguageModel

Choice = Literal["auto", True, False]


@dataclass(frozen=True)
class Address:
    """What `task.chat` and `task.bos` come to with one model."""

    lm: "LanguageModel"
    chat: bool
    start: list[int]  # one token, or none

    @classmethod
    def of(cls, lm: "LanguageModel", *, chat: Choice, bos: Choice, instead: str) -> Self:
        """`auto`: as the model's makers do; a template has a beginning of its own.

        `instead` says what `task.chat` may be where there is no template.
        """
        chats = chat is not False and lm.tokenizer.chat("") is not None
        if chat is True and not chats:
            raise SettingError("task.chat", "true", instead, "Leave task.chat out.")
        begins = (lm.tokenizer.begins and not chats) if bos == "auto" else bos
        return cls(lm, chats, [lm.bos()] if begins else [])

    def said(self, text: str) -> str:
        """What the model reads for a text."""
        said = self.lm.tokenizer.chat(text) if self.chat else text
        assert said is not None
        return said

    def tokens(self, said: str) -> list[int]:
        """Of what is read, the start included."""
        found: list[int] = self.lm.encode(said).ids.tolist()
        return self.start + found
