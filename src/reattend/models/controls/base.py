"""What a control may change: the sizes of a model before it is built, and for how many steps it is trained."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

Count = Callable[[Mapping[str, Any], Mapping[str, Any]], int]  # model and attention group -> number of parameters
Slowdown = Callable[[Mapping[str, Any]], float]  # attention group -> time of a step of the run over one around it


class Control(ABC):
    """Values of the `model` group -> the values with which the model is built."""

    @abstractmethod
    def sizes(self, model: Mapping[str, Any], *, attention: Mapping[str, Any], count: Count) -> dict[str, Any]:
        """`model` with this control applied, to be built around `attention`; `count` measures any other."""

    def steps(self, wanted: int, *, slowdown: Slowdown) -> int:
        """For how many steps to train, of the `wanted` ones; `slowdown` compares with any other mechanism."""
        return wanted
