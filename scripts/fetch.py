"""Prepare a corpus ahead of time and show what it is: python scripts/fetch.py data=enwiki_sample"""

import logging
from typing import Any

import hydra
from hydra.errors import CompactHydraException
from omegaconf import DictConfig, OmegaConf


@hydra.main(version_base="1.3", config_path="../conf", config_name="fetch")
def main(config: DictConfig) -> None:
    # imported here, so that --help and shell completion answer at once
    from reattend.data import build_corpus
    from reattend.settings import SettingError

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    values: Any = OmegaConf.to_container(config.data, resolve=True)
    try:
        corpus = build_corpus(values)
        path, identity = corpus.prepare(), corpus.identity()
    except SettingError as error:
        raise CompactHydraException(str(error)) from None  # Hydra prints its message only
    splits = {split: found["tokens"] for split, found in identity["splits"].items()}
    print(f"{identity['name']}: {path}")
    print(f"  source   {identity['source']}")
    print(f"  licence  {identity['licence']}")
    print(f"  sha256   {identity['sha256']}")
    print(f"  {corpus.unit}s    {sum(splits.values()):,}")
    for split, count in splits.items():
        print(f"  {split:<8} {count:,}")


if __name__ == "__main__":
    main()
