"""What a control may change: the sizes of a model, before it is built."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

Count = Callable[[Mapping[str, Any], Mapping[str, Any]], int]  # model and attention group -> number of parameters


class Control(ABC):
    """Values of the `model` group -> the values with which the model is built."""

    @abstractmethod
    def sizes(self, model: Mapping[str, Any], *, attention: Mapping[str, Any], count: Count) -> dict[str, Any]:
        """`model` with this control applied, to be built around `attention`; `count` measures any other."""
