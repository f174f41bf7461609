"""What every task has: options in, a composed configuration to work on, text to print out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

ANEW = "Say force=true to do it again, or give this run a name=..."  # where a record of before is of something else


class Task(ABC):
    """Something to do with a trained model; an option is one module of this room."""

    @abstractmethod
    def run(self, config: Mapping[str, Any]) -> str:
        """Do it as the whole configuration says; what to print."""
