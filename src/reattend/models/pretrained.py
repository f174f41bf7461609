"""Pretrained decoders of the transformers library: a folder or name of the Hugging Face hub, or a .gguf file.

Weights are read from safetensors and GGUF alone. Pickled ones, and models that bring code of their own, are refused:
reading them could run anything.
"""

import contextlib
import importlib.util
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch

from reattend.models.conversion import kept
from reattend.models.device import device
from reattend.models.origin import Origin, locate, require
from reattend.settings import SettingError

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

Dtype = Literal["float32", "bfloat16", "float16"]
Quantize = Literal["none", "4bit", "8bit"]
SlidingWindow = Literal["keep", "off"]

STRATEGIES = ("auto", "balanced", "balanced_low_0", "sequential")  # of accelerate, over several devices
LOCAL: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}  # left out, the library would ask


def load_pretrained(
    path: str | Path,
    *,
    dtype: Dtype = "float32",
    device_map: str | None = None,
    quantize: Quantize = "none",
    sliding_window: SlidingWindow = "keep",
    revision: str | None = None,
) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """A decoder language model, frozen and in evaluation mode, and its tokenizer.

    `path` is a folder or .gguf file, or else a name of the hub, of which `revision` may choose a commit. `device_map`
    is transformers' own: a device, `auto` to fill GPUs first, None for the CPU; `quantize` packs the weights with
    bitsandbytes. `sliding_window=off` lets layers with a sliding window attend to everything.
    """
    origin = locate(path, revision=revision)
    return load_origin(origin, dtype=dtype, device_map=device_map, quantize=quantize, sliding_window=sliding_window)


def load_origin(
    origin: Origin, *, dtype: Dtype, device_map: str | None, quantize: Quantize, sliding_window: SlidingWindow
) -> "tuple[PreTrainedModel, PreTrainedTokenizerBase]":
    """The same for files on this machine."""
    is_gguf = origin.path.is_file()
    for package in (*(("gguf",) if is_gguf else ()), *(("accelerate",) if is_gguf or device_map else ())):
        require(package, given=origin.given)
    how: dict[str, Any] = {"dtype": getattr(torch, dtype)}
    if device_map is not None:
        how["device_map"] = device_map if device_map in STRATEGIES else device(device_map)
    if quantize != "none":
        how["quantization_config"] = _packing(quantize, is_gguf=is_gguf, compute=how["dtype"])
    folder = kept(origin.path, lambda part: _convert(origin, part)) if is_gguf else origin.path
    with _quiet(), _explained(origin):
        if folder is None:  # too large to be kept twice
            model, tokenizer = _from_gguf(origin, sliding_window, **how)
        else:
            model, tokenizer = _from_folder(folder, origin, sliding_window, **how)
    return model.eval().requires_grad_(False), tokenizer


def architecture_of(model: "PreTrainedModel") -> str:
    """A model without its numbers, as JSON that a checkpoint keeps."""
    return model.config.to_json_string(use_diff=False)


def from_architecture(text: str) -> "PreTrainedModel":
    """A model of that architecture in float32; its numbers are random."""
    from transformers import AutoConfig, AutoModelForCausalLM

    with _quiet():
        model: PreTrainedModel = AutoModelForCausalLM.from_config(
            AutoConfig.for_model(**json.loads(text)), dtype=torch.float32, trust_remote_code=False
        )
    return model.eval().requires_grad_(False)


def _from_folder(folder: Path, origin: Origin, sliding_window: SlidingWindow, **how: Any) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoTokenizer

    config = AutoConfig.from_pretrained(folder, **LOCAL)
    tokenizer = AutoTokenizer.from_pretrained(folder, config=config, **LOCAL)
    return _weights(folder, config, origin, sliding_window, **how), tokenizer


def _from_gguf(origin: Origin, sliding_window: SlidingWindow, **how: Any) -> tuple[Any, Any]:
    from transformers import AutoConfig, AutoTokenizer, GgufConfig

    folder, file = origin.path.parent, {"gguf_file": origin.path.name}
    config = AutoConfig.from_pretrained(folder, **file, **LOCAL)  # once: each time the whole vocabulary is parsed
    tokenizer = AutoTokenizer.from_pretrained(folder, config=config, **file, **LOCAL)
    plain = GgufConfig(dequantize=True)  # unpacked everywhere, even where a kernel for packed blocks is found
    with contextlib.redirect_stderr(io.StringIO()):  # the library draws this one bar in any case
        return _weights(folder, config, origin, sliding_window, quantization_config=plain, **file, **how), tokenizer


def _convert(origin: Origin, part: Path) -> None:
    """Write a GGUF file's model as the library's own kind of folder, in float32, of which every other dtype is cut."""
    with _quiet(), _explained(origin):
        model, tokenizer = _from_gguf(origin, "keep", dtype=torch.float32)
        model.save_pretrained(part)
        tokenizer.save_pretrained(part)


def _weights(
    folder: Path, config: "PretrainedConfig", origin: Origin, sliding_window: SlidingWindow, **how: Any
) -> Any:
    from transformers import AutoModelForCausalLM

    if sliding_window == "off":
        _attend_to_everything(config, origin)
    loaded: Any = AutoModelForCausalLM.from_pretrained(
        folder,
        config=config,
        use_safetensors=True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,  # they are told, and refused, below
        **LOCAL,
        **how,
    )
    model, told = loaded
    if unfit := sorted(map(str, [*told["missing_keys"], *told["mismatched_keys"]])):
        raise origin.refusal(
            f"weights that fit its configuration ({len(unfit)} are missing or of another size, as {unfit[0]})",
            "Fetch the model anew; it must be a decoder language model.",
        )
    return model


def _attend_to_everything(config: "PretrainedConfig", origin: Origin) -> None:
    text: Any = config.get_text_config()
    kinds = set(getattr(text, "layer_types", None) or [])
    if kinds - {"sliding_attention"} and kinds != {"full_attention"}:
        raise SettingError(
            "lm.sliding_window",
            "off",
            f"keep for {origin.name}, whose layers differ by design ({', '.join(sorted(kinds))})",
            "Set lm.sliding_window=keep.",
        )
    text.sliding_window = None
    if kinds:
        text.layer_types = ["full_attention"] * len(text.layer_types)


def _packing(quantize: Quantize, *, is_gguf: bool, compute: torch.dtype) -> Any:
    from transformers import BitsAndBytesConfig

    if is_gguf:
        raise SettingError("lm.quantize", quantize, "none for a GGUF file", "Choose a GGUF file of fewer bits instead.")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise SettingError("lm.quantize", quantize, "bitsandbytes to be installed", "Run `pip install bitsandbytes`.")
    return BitsAndBytesConfig(
        load_in_4bit=quantize == "4bit", load_in_8bit=quantize == "8bit", bnb_4bit_compute_dtype=compute
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's warnings and bars: what is wrong is raised."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


@contextlib.contextmanager
def _explained(origin: Origin) -> Iterator[None]:
    """Whatever the library raises becomes one message."""
    try:
        yield
    except (SettingError, MemoryError):
        raise
    except torch.OutOfMemoryError:
        fix = "Set lm.dtype=bfloat16, lm.quantize=4bit or lm.device_map=auto."
        raise origin.refusal("a model that fits the memory of the GPU", fix) from None
    except Exception as error:  # damaged files and unknown models raise errors of any kind
        reason = str(error).strip().partition("\n")[0].partition(". ")[0] or type(error).__name__
        expected = f"a whole model that transformers can load as a decoder ({reason})"
        raise origin.refusal(expected, "Fetch it anew or choose another model, such as lm=smollm2.") from error
