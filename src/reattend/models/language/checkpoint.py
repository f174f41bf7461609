"""A decoder that this project trained, on bytes: `lm=checkpoint lm.path=.../best.ckpt`."""

from pathlib import Path

from reattend.data.store import digest
from reattend.models import size
from reattend.models.checkpoint import load_decoder, read_checkpoint
from reattend.models.device import device
from reattend.models.language.base import LanguageModel, Loader
from reattend.models.language.tokens import Bytes
from reattend.settings import SettingError


class Checkpoint(Loader):
    """In float32, as it was saved."""

    def __init__(self, *, path: str, device_map: str = "auto") -> None:
        self.path, self.device_map = Path(path).expanduser(), device_map

    def load(self) -> LanguageModel:
        config = read_checkpoint(self.path, setting="lm.path")["reattend"]["config"]
        model = load_decoder(self.path, setting="lm.path").requires_grad_(False)
        if model.embedding.num_embeddings != 256:
            expected = f"a model of bytes; this one has a vocabulary of {model.embedding.num_embeddings}"
            raise SettingError("lm.path", self.path, expected, "Choose another checkpoint.")
        return LanguageModel(
            model=model.to(device(self.device_map)),
            tokenizer=Bytes(),
            name=f"{config['attention']['name']}_{config['model']['name']}_seed{config['seed']}",
            source=self.path.name,
            sha256=digest(self.path),
            architecture=type(model).__name__,
            parameters=size(model),
            dtype=str(model.embedding.weight.dtype).removeprefix("torch."),
            context=config["data"]["context"],
            unit=Bytes.unit,
        )
