"""A pretrained decoder by path or name: a model folder, a .gguf file, or a model of the Hugging Face hub."""

from typing import Any

from reattend.models.language.base import LanguageModel, Loader
from reattend.models.language.tokens import Subwords
from reattend.models.origin import Origin, locate
from reattend.models.pretrained import Dtype, Quantize, SlidingWindow, load_origin


class Pretrained(Loader):
    """The options are those of `load_pretrained`."""

    def __init__(
        self,
        *,
        path: str,
        dtype: Dtype = "float32",
        device_map: str | None = "auto",
        quantize: Quantize = "none",
        sliding_window: SlidingWindow = "keep",
        revision: str | None = None,
    ) -> None:
        self.path, self.revision = path, revision
        self.how: Any = {
            "dtype": dtype,
            "device_map": device_map,
            "quantize": quantize,
            "sliding_window": sliding_window,
        }

    def load(self) -> LanguageModel:
        return language_model(locate(self.path, revision=self.revision), **self.how)


def language_model(
    origin: Origin, *, dtype: Dtype, device_map: str | None, quantize: Quantize, sliding_window: SlidingWindow
) -> LanguageModel:
    """The decoder of files on this machine, with its tokens."""
    model, tokenizer = load_origin(
        origin, dtype=dtype, device_map=device_map, quantize=quantize, sliding_window=sliding_window
    )
    return LanguageModel(
        model=model,
        tokenizer=(tokens := Subwords(tokenizer, given=origin.given)),
        name=origin.name,
        source=origin.source,
        sha256=origin.sha256(),
        architecture=type(model).__name__,
        parameters=model.num_parameters(),
        dtype=dtype if quantize == "none" else f"{quantize}, computed in {dtype}",
        context=getattr(model.config.get_text_config(), "max_position_embeddings", None),
        unit=tokens.unit,
    )
