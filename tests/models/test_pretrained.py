"""Pretrained models from folders, GGUF files and the hub's cache: the numbers of the file, or one message."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
import torch
from huggingface_hub import constants
from huggingface_hub.errors import OfflineModeIsEnabled
from tiny_llama import LLAMA, TEXT, byte_pairs, llama, save, write_gguf
from tokenizers import Tokenizer
from transformers import Gemma2Config, Gemma2ForCausalLM, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from reattend.models import conversion, load_pretrained, pretrained
from reattend.models.origin import locate
from reattend.settings import SettingError

IDS = torch.arange(1, 25)[None]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return byte_pairs()


@pytest.fixture(scope="module")
def folder(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("models") / "tiny-llama", llama(tokenizer), tokenizer)


@pytest.fixture(scope="module")
def packed(tokenizer: Tokenizer) -> LlamaForCausalLM:
    """The model of `gguf_file`."""
    return llama(tokenizer)


@pytest.fixture(scope="module")
def gguf_file(packed: LlamaForCausalLM, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_gguf(tmp_path_factory.mktemp("models") / "tiny.Q8.gguf", packed, tokenizer)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's cache folder; and no network."""

    def repo_info(*args: Any, **kwargs: Any) -> Any:
        raise OfflineModeIsEnabled("no network")

    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.HfApi, "repo_info", repo_info)
    return tmp_path / "home"


def same(one: torch.nn.Module, other: torch.nn.Module, dtype: torch.dtype = torch.float32) -> bool:
    """Whether every tensor of `one` is that of `other`, cut to `dtype`."""
    ours, theirs = one.state_dict(), other.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key].to(dtype)) for key in theirs)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_folder_is_read_as_it_was_saved(dtype: Any, folder: Path, tokenizer: Tokenizer) -> None:
    model, words = load_pretrained(folder, dtype=dtype)
    assert same(model, llama(tokenizer), getattr(torch, dtype))
    assert not model.training and not any(parameter.requires_grad for parameter in model.parameters())
    assert words(TEXT)["input_ids"] == tokenizer.encode(TEXT).ids


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_gguf_file_is_the_same_unpacked_or_from_the_kept_copy(
    dtype: Any,
    gguf_file: Path,
    packed: LlamaForCausalLM,
    tokenizer: Tokenizer,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(conversion, "LARGEST", 0)
        direct, words = load_pretrained(gguf_file, dtype=dtype)
        assert not home.exists()
    load_pretrained(gguf_file)
    monkeypatch.setattr(pretrained, "_convert", None)  # from here on nothing is unpacked
    kept, same_words = load_pretrained(gguf_file, dtype=dtype)
    assert same(direct, packed, getattr(torch, dtype)) and same(kept, direct, getattr(torch, dtype))
    assert torch.equal(kept(IDS).logits, direct(IDS).logits)
    said = {"_name_or_path": "", "architectures": None}
    assert kept.config.to_dict() | said == direct.config.to_dict() | said
    for text in (TEXT, "<s> 漢字 \u200b"):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert words(text, add_special_tokens=False)["input_ids"] == ids
        assert same_words(text, add_special_tokens=False)["input_ids"] == ids


def test_a_damaged_copy_is_made_anew(gguf_file: Path, packed: LlamaForCausalLM, home: Path) -> None:
    load_pretrained(gguf_file)
    (weights,) = home.rglob("model.safetensors")
    with weights.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x01")
    model, _ = load_pretrained(gguf_file)
    assert same(model, packed)
    assert [path.name for path in (home / "unpacked").iterdir() if path.is_dir()] == [weights.parent.name]


def test_a_copy_that_cannot_be_kept_costs_time_alone(
    gguf_file: Path, packed: LlamaForCausalLM, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home.touch()  # where the cache folder should be
    model, _ = load_pretrained(gguf_file)
    assert same(model, packed) and "tiny.Q8.gguf cannot be kept unpacked" in caplog.text


def test_loading_is_quiet(folder: Path, gguf_file: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_pretrained(folder)
    load_pretrained(gguf_file)
    told = capfd.readouterr()
    assert told.out == "" and told.err == ""


def test_a_name_is_served_from_the_cache_of_the_hub(folder: Path, tmp_path: Path, tokenizer: Tokenizer) -> None:
    place = tmp_path / "hub" / "models--some--llama"
    shutil.copytree(folder, place / "snapshots" / "abc")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc")
    model, _ = load_pretrained("some/llama")
    assert same(model, llama(tokenizer))
    origin = locate("some/llama")
    assert (origin.name, origin.source, origin.sha256()) == ("llama", "some/llama@abc", None)


def test_a_sliding_window_can_be_opened(tmp_path: Path, tokenizer: Tokenizer) -> None:
    config = MistralConfig(vocab_size=tokenizer.get_vocab_size(), sliding_window=4, head_dim=4, **LLAMA)
    path = save(tmp_path / "mistral", MistralForCausalLM(config), tokenizer)
    slides, _ = load_pretrained(path)
    opened, _ = load_pretrained(path, sliding_window="off")
    assert opened.config.sliding_window is None and slides.config.sliding_window == 4
    difference = (slides(IDS).logits - opened(IDS).logits).abs().amax(-1)[0]
    assert difference[:4].max() < 1e-6 and difference[8:].min() > 1e-6


def test_layers_that_differ_by_design_stay_as_they_are(tmp_path: Path, tokenizer: Tokenizer) -> None:
    config = Gemma2Config(vocab_size=tokenizer.get_vocab_size(), head_dim=4, **LLAMA)
    path = save(tmp_path / "gemma2", Gemma2ForCausalLM(config), tokenizer)
    with pytest.raises(SettingError, match=r"lm\.sliding_window=off: expected keep for gemma2, whose layers differ"):
        load_pretrained(path, sliding_window="off")


def cut(path: Path, size: int) -> None:
    os.truncate(path, size)


def configure(folder: Path, **values: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def pickled(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")


OWN = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
DAMAGES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "no config": (lambda at: (at / "config.json").unlink(), "a model folder, with config.json in it"),
    "cut config": (lambda at: cut(at / "config.json", 50), "a config.json that is whole"),
    "no object": (lambda at: (at / "config.json").write_text("[]"), "a whole model that transformers can load"),
    "unknown": (lambda at: configure(at, model_type="dreamer"), "a whole model that transformers can load"),
    "own code": (
        lambda at: configure(at, model_type="dreamer", auto_map=OWN),
        "brings code of its own, which is never",
    ),
    "no decoder": (lambda at: configure(at, model_type="t5"), "a whole model that transformers can load"),
    "pickled": (pickled, "weights as model*.safetensors; pickled ones (.bin, .pt) are not read"),
    "cut weights": (lambda at: cut(at / "model.safetensors", 5000), "a whole model that transformers can load"),
    "cut header": (lambda at: cut(at / "model.safetensors", 6), "a whole model that transformers can load"),
    "a layer short": (lambda at: configure(at, num_hidden_layers=3), "weights that fit its configuration (9 are"),
    "another size": (lambda at: configure(at, hidden_size=32), "weights that fit its configuration ("),
    "no tokenizer": (lambda at: (at / "tokenizer.json").unlink(), "a whole model that transformers can load"),
}


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_folder_is_one_message(
    kind: str, folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    damage, message = DAMAGES[kind]
    damage(copy := Path(shutil.copytree(folder, tmp_path / "copy")))
    with pytest.raises(SettingError) as refused:
        load_pretrained(copy)
    told = str(refused.value)
    assert told.startswith(f"lm.path={copy}: expected ") and message in told and "\n" not in told
    assert "trust_remote_code" not in told and capfd.readouterr().err == ""


def test_code_that_comes_with_a_known_model_is_left_alone(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    configure(copy, auto_map=OWN)
    (copy / "own.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')")
    load_pretrained(copy)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.99])
def test_a_gguf_file_cut_short_is_one_message(kept: float, gguf_file: Path, tmp_path: Path, home: Path) -> None:
    path = tmp_path / "cut.gguf"
    content = gguf_file.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(SettingError) as refused:
        load_pretrained(path)
    assert str(refused.value).startswith(f"lm.path={path}: expected a whole model that transformers can load")
    assert not [found for found in home.rglob("*") if found.suffix != ".lock" and found.name != "unpacked"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("{folder}/gone", "an existing model folder or .gguf file, or a name of the hub"),
        ("gone.gguf", "an existing model folder or .gguf file, or a name of the hub"),
        ("some/unknown", "the model some/unknown of the hub, or its copy in the hub's cache (no network)"),
        ("{folder}/page.txt", "a GGUF file or a model folder; this file is neither"),
        ("{folder}", "a model folder, with config.json in it"),
    ],
)
def test_what_is_no_model_is_one_message(path: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text("GGML")
    path = path.replace("{folder}", str(tmp_path))
    with pytest.raises(SettingError) as refused:
        load_pretrained(path)
    assert str(refused.value).startswith(f"lm.path={path}: expected {message}")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device_map": "toaster"}, "lm.device_map=toaster: expected auto or a device of this machine"),
        ({"device_map": "cuda:99"}, "lm.device_map=cuda:99: expected auto or a device of this machine"),
        ({"quantize": "4bit"}, "lm.quantize=4bit: expected bitsandbytes to be installed"),
        ({"revision": "main"}, "lm.revision=main: expected null for local files"),
    ],
)
def test_a_bad_option_is_one_message(options: Any, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "bitsandbytes")
    with pytest.raises(SettingError) as refused:
        load_pretrained(folder, **options)
    assert str(refused.value).startswith(message)


def test_a_gguf_file_is_not_quantised_again(gguf_file: Path) -> None:
    with pytest.raises(SettingError, match=r"lm\.quantize=8bit: expected none for a GGUF file"):
        load_pretrained(gguf_file, quantize="8bit")


@pytest.mark.parametrize("package", ["transformers", "gguf", "accelerate"])
def test_a_missing_package_names_the_extra(package: str, gguf_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, package)
    with pytest.raises(SettingError, match=rf"expected the package {package}, .* `pip install 'reattend\[llm\]'`"):
        load_pretrained(gguf_file)


def without(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    found = pretrained.importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == missing else found(name, *rest))


def test_importing_the_models_does_not_import_transformers() -> None:
    code = "import sys, reattend.models, reattend.models.language; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
