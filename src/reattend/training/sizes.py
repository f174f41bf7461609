"""The sizes of a run's model, and how many parameters any other has: found on shapes alone, no number is drawn."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from reattend.models import build_model
from reattend.models.controls import build_control
from reattend.training.shapes import parameters_of


def controlled(config: Mapping[str, Any], **given: Any) -> dict[str, Any]:
    """The values of the `model` group of a composed config under its control."""

    def count(model: Mapping[str, Any], attention: Mapping[str, Any]) -> int:
        return parameters_of(partial(build_model, model, attention=attention, **given))

    control = build_control(config["control"])
    return control.sizes(config["model"], attention=config["attention"], count=count)


def plain_parameters(config: Mapping[str, Any], **given: Any) -> int:
    """Of the same model around conventional attention and without a control: the yardstick of additions."""
    return parameters_of(partial(build_model, config["model"], attention={"name": "softmax"}, **given))
