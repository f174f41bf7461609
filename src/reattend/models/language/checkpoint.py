"""A decoder that this project trained, on bytes or words, or fine-tuned: `lm=checkpoint lm.path=.../best.ckpt`."""

from pathlib import Path
from typing import Any

from torch import nn

from reattend.data.store import digest
from reattend.models import size
from reattend.models.checkpoint import load_decoder, load_retrofit, read_checkpoint
from reattend.models.device import device
from reattend.models.language.base import LanguageModel, Loader
from reattend.models.language.tokens import Bytes, Subwords, Tokenizer, Words
from reattend.settings import SettingError


class Checkpoint(Loader):
    """In float32, as it was saved."""

    def __init__(self, *, path: str, device_map: str = "auto") -> None:
        self.path, self.device_map = Path(path).expanduser(), device_map

    def load(self) -> LanguageModel:
        kept = read_checkpoint(self.path, setting="lm.path")["reattend"]
        return self._fine_tuned(kept) if "pretrained" in kept else self._own(kept)

    def _own(self, kept: dict[str, Any]) -> LanguageModel:
        """Of bytes or words, trained from its start."""
        model = load_decoder(self.path, setting="lm.path")
        tokenizer = self._tokenizer(kept.get("words"), vocabulary=model.vocabulary)
        name = kept["config"]["model"]["name"]
        return self._loaded(kept, model, tokenizer, name=name, context=kept["config"]["data"]["context"])

    def _fine_tuned(self, kept: dict[str, Any]) -> LanguageModel:
        """A pretrained one with a mechanism in it."""
        model = load_retrofit(self.path, setting="lm.path").lm
        tokenizer = Subwords.from_plain(kept["pretrained"], given=str(self.path))
        context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        return self._loaded(kept, model, tokenizer, name=kept["pretrained"]["name"], context=context)

    def _loaded(
        self, kept: dict[str, Any], model: nn.Module, tokenizer: Tokenizer, *, name: str, context: int | None
    ) -> LanguageModel:
        config = kept["config"]
        return LanguageModel(
            model=model.requires_grad_(False).to(device(self.device_map)),
            tokenizer=tokenizer,
            name=f"{config['attention']['name']}_{name}_seed{config['seed']}",
            source=self.path.name,
            sha256=digest(self.path),
            architecture=type(model).__name__,
            parameters=size(model),
            dtype=str(next(model.parameters()).dtype).removeprefix("torch."),
            context=context,
            unit=tokenizer.unit,
        )

    def _tokenizer(self, words: list[str] | None, *, vocabulary: int) -> Tokenizer:
        tokenizer: Tokenizer = Bytes() if words is None else Words(words, given=str(self.path))
        if vocabulary != (256 if words is None else len(words)):
            expected = f"a model of bytes, or of the words that it keeps; this one has a vocabulary of {vocabulary}"
            raise SettingError("lm.path", self.path, expected, "Choose another checkpoint.")
        return tokenizer
