"""A decoder that this project trained, on bytes or words: `lm=checkpoint lm.path=.../best.ckpt`."""

from pathlib import Path

from reattend.data.store import digest
from reattend.models import size
from reattend.models.checkpoint import load_decoder, read_checkpoint
from reattend.models.device import device
from reattend.models.language.base import LanguageModel, Loader
from reattend.models.language.tokens import Bytes, Tokenizer, Words
from reattend.settings import SettingError


class Checkpoint(Loader):
    """In float32, as it was saved."""

    def __init__(self, *, path: str, device_map: str = "auto") -> None:
        self.path, self.device_map = Path(path).expanduser(), device_map

    def load(self) -> LanguageModel:
        kept = read_checkpoint(self.path, setting="lm.path")["reattend"]
        config = kept["config"]
        model = load_decoder(self.path, setting="lm.path").requires_grad_(False)
        tokenizer = self._tokenizer(kept.get("words"), vocabulary=model.vocabulary)
        return LanguageModel(
            model=model.to(device(self.device_map)),
            tokenizer=tokenizer,
            name=f"{config['attention']['name']}_{config['model']['name']}_seed{config['seed']}",
            source=self.path.name,
            sha256=digest(self.path),
            architecture=type(model).__name__,
            parameters=size(model),
            dtype=str(next(model.parameters()).dtype).removeprefix("torch."),
            context=config["data"]["context"],
            unit=tokenizer.unit,
        )

    def _tokenizer(self, words: list[str] | None, *, vocabulary: int) -> Tokenizer:
        tokenizer: Tokenizer = Bytes() if words is None else Words(words, given=str(self.path))
        if vocabulary != (256 if words is None else len(words)):
            expected = f"a model of bytes, or of the words that it keeps; this one has a vocabulary of {vocabulary}"
            raise SettingError("lm.path", self.path, expected, "Choose another checkpoint.")
        return tokenizer
