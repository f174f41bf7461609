"""What every option of the `data` group offers, whether it is trained on or only read."""

from abc import ABC, abstractmethod
from pathlib import Path


class Data(ABC):
    """Text with a source and a licence; `Corpus` has it in splits to train on, `Documents` in whole books."""

    source: str  # where the text comes from, as the record shall say it
    licence: str

    @property
    def name(self) -> str:
        """File name = option name = name in records."""
        return type(self).__module__.rpartition(".")[2]

    @abstractmethod
    def prepare(self) -> Path:
        """Fetch and verify what is missing; the file or folder that now holds the text."""

    @abstractmethod
    def describe(self) -> str:
        """What it is, where it lies and how much of it there is, as lines to print."""

    def heading(self) -> list[str]:
        """The lines that every description begins with."""
        path = self.prepare()
        return [f"{self.name}: {path}", f"  source   {self.source}", f"  licence  {self.licence}"]
