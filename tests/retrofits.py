"""Tiny pretrained decoders with mechanisms in them."""

from collections.abc import Mapping
from typing import Any

import torch
from tiny import shake
from tiny_models import VOCABULARY, make

from reattend.models import build_model
from reattend.models.retrofit import Retrofit

MODEL = {"name": "pretrained", "architecture": "retrofit", "gradient_checkpointing": False}


def retrofit(pretrained: Any, attention: Mapping[str, Any], *, context: int = 24, **model: Any) -> Retrofit:
    """In evaluation mode."""
    built: Retrofit = build_model(
        MODEL | model, attention=attention, vocabulary=VOCABULARY, context=context, seed=1, pretrained=pretrained
    )
    return built.eval()


def shaken(kind: str, attention: Mapping[str, Any], **changes: Any) -> Retrofit:
    """In float64, with random values for what is the mechanisms'."""
    built = retrofit(make(kind, **changes).double(), attention).double()
    for mechanism in built.mechanisms:
        shake(mechanism)
    return built


def read(model: Any, tokens: torch.Tensor, **how: Any) -> torch.Tensor:
    with torch.no_grad():
        return model(input_ids=tokens, **how).logits
