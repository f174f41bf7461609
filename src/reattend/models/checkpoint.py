"""Trained models on disk: read without running any code of theirs, and rebuilt as they were."""

from pathlib import Path
from typing import Any

import torch

from reattend.models import build_model
from reattend.models.decoder import Decoder
from reattend.settings import SettingError

FORMAT = 1  # of the `reattend` part of a checkpoint


def read_checkpoint(path: Path, *, setting: str) -> dict[str, Any]:
    """A checkpoint of ours, or a SettingError that says what is wrong with the file."""
    fix = f"Set {setting} to another checkpoint" + (", or to never." if setting == "resume" else ".")
    if not path.is_file():
        raise SettingError(setting, path, "an existing checkpoint file", fix)
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch meets a damaged file with errors of any kind
        reason = str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__
        raise SettingError(
            setting, path, f"a whole checkpoint; this one is cut short or damaged ({reason})", fix
        ) from None
    part = checkpoint.get("reattend") if isinstance(checkpoint, dict) else None
    if not isinstance(part, dict) or part.get("format") != FORMAT:
        raise SettingError(setting, path, f"a checkpoint of this program, format {FORMAT}", fix)
    return dict(checkpoint)


def load_decoder(path: Path, *, setting: str) -> Decoder:
    """The decoder LM of a checkpoint, in evaluation mode."""
    checkpoint = read_checkpoint(path, setting=setting)
    config = checkpoint["reattend"]["config"]
    weights = {key.removeprefix("model."): value for key, value in checkpoint["state_dict"].items()}
    model: Decoder = build_model(
        config["model"],
        attention=config["attention"],
        vocabulary=weights["embedding.weight"].shape[0],
        context=config["data"]["context"],
        seed=config["seed"],
    )
    model.load_state_dict(weights)
    return model.eval()
