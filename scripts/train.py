"""Train what the options compose and record the result: python scripts/train.py attention=dagpam seed=1"""

import logging
from typing import Any

import hydra
from hydra.errors import CompactHydraException
from omegaconf import DictConfig, OmegaConf


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
def main(config: DictConfig) -> float:
    # imported here, so that --help, --cfg and shell completion answer at once
    from reattend.records import RecordError
    from reattend.settings import SettingError
    from reattend.training.job import run_job

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    try:
        record = run_job(values)
    except (SettingError, RecordError) as error:
        raise CompactHydraException(str(error)) from None  # Hydra prints its message only
    return next(metric.value for key, metric in record.metrics.items() if key.startswith("test/"))


if __name__ == "__main__":
    main()
