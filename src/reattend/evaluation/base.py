"""What every task has: options in, a composed configuration to work on, text to print out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any


class Task(ABC):
    """Something to do with a trained model; an option is one module of this room."""

    @abstractmethod
    def run(self, config: Mapping[str, Any]) -> str:
        """Do it as the whole configuration says; what to print."""
