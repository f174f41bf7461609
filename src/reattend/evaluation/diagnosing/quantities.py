"""What is measured, of which model and on which text."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from reattend.data.batches import IGNORED, EvaluationBatches
from reattend.data.corpus import Corpus
from reattend.diagnostics import Found, measure, of_each_sample
from reattend.evaluation.diagnostics import Settings
from reattend.models import build_model
from reattend.models.decoder import Decoder
from reattend.models.device import device
from reattend.settings import SettingError


def blocks(corpus: Corpus, settings: Settings, *, length: int) -> tuple[Tensor, Tensor]:
    """Inputs and targets [B, T] of the split."""
    tokens = corpus.splits()[settings.split]
    most = (len(tokens) - 1) // length
    if settings.samples > most:
        expected = f"at most {most:,}, the blocks of {length} tokens in {settings.split}"
        raise SettingError("samples", settings.samples, expected, "Lower samples or length.")
    limit = settings.samples * length
    ((inputs, targets),) = EvaluationBatches(tokens, context=length, batch_size=settings.samples, limit=limit)
    assert inputs.shape == (settings.samples, length) and (targets != IGNORED).all()
    return inputs, targets


def initial(kept: Mapping[str, Any], vocabulary: int) -> Decoder:
    """The model as its training began with it."""
    config = kept["config"]
    model: Decoder = build_model(
        kept.get("model", config["model"]),
        attention=config["attention"],
        vocabulary=vocabulary,
        context=config["data"]["context"],
        seed=config["seed"],
    )
    return model


def quantities(model: Decoder, inputs: Tensor, targets: Tensor, *, rows: int) -> tuple[list[Found], list[float]]:
    """Every quantity, those of each sample's gradient included, and the samples' losses."""
    where = device("auto")
    model = model.to(where, torch.float64).eval()
    inputs, targets = inputs.to(where), targets.to(where)
    gradients, losses = of_each_sample(model, inputs, targets)
    found = measure(model, inputs, rows=rows)
    return [*found, *(Found("full", name, norms) for name, norms in gradients.items())], losses
