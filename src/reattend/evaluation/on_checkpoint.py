"""What tasks on a checkpoint of ours share: their keys, what its training decided, and what is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_type_hints

from reattend.data.store import digest
from reattend.evaluation.base import ANEW
from reattend.settings import SettingError, typed

TRAINED = ("attention", "model", "control", "seed")  # of the training: they name the record as they name the model
BLOCKS = ("context", "batch_size", "valid_limit")  # of its data: they belong to the model, not to the text


@dataclass(frozen=True, kw_only=True)
class OnCheckpoint:
    """The keys that all of them have; a task adds its own."""

    checkpoint: str
    split: str
    threads: int | None

    @classmethod
    def values(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """The keys of `cls` out of a whole configuration, their types checked."""
        hints = get_type_hints(cls)
        return {field.name: typed(field.name, config[field.name], hints[field.name]) for field in fields(cls)}

    @property
    def path(self) -> Path:
        return Path(self.checkpoint).expanduser()

    def language_model(self) -> dict[str, Any]:
        """What the checkpoint keeps beside its weights: that of a language model of ours, which knows the split."""
        from reattend.models.checkpoint import read_language_model  # torch, which takes seconds

        kept: dict[str, Any] = read_language_model(self.path, setting="checkpoint")["reattend"]
        if self.split not in kept["data"]["splits"]:
            names = ", ".join(kept["data"]["splits"])
            raise SettingError("split", self.split, f"one of {names}", "Set split to one of them.")
        return kept

    def refuse_another_text(self, described: Mapping[str, Any], kept: Mapping[str, Any]) -> None:
        """The split of a corpus so described must be that of the training."""
        if described["splits"][self.split]["sha256"] != kept["data"]["splits"][self.split]["sha256"]:
            expected = f"the {self.split} split of the text that the model was trained on; this is another text"
            raise SettingError(
                "data", described["name"], expected, "Restore that text, or say with data.path where it lies."
            )

    def refuse_changed(self, sha256: str | None, *, record: str) -> None:
        """A record of before must be of this very checkpoint."""
        if digest(self.path) != sha256:
            expected = f"the weights of the record {record}; the file has changed since"
            raise SettingError("checkpoint", self.checkpoint, expected, ANEW)


def completed(config: Mapping[str, Any], trained: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with what the training decided: its text where no other is given, and what names the model."""
    given = {key: value for key, value in config["data"].items() if (key, value) != ("path", None)}
    blocks = {key: trained["data"][key] for key in BLOCKS if key in trained["data"]}
    data = (given if "name" in given else trained["data"] | given) | blocks
    return {**config, **{key: trained[key] for key in TRAINED if key in trained}, "data": data}
