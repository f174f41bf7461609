"""Turn records into tables and figures: `python scripts/report.py results_dir=DIR`."""

from pathlib import Path
from typing import Any

import hydra
from hydra.errors import CompactHydraException
from omegaconf import DictConfig, OmegaConf

TABLES = Path(__file__).parent.parent / "conf" / "table"


@hydra.main(version_base="1.3", config_path="../conf", config_name="report")
def main(config: DictConfig) -> None:
    """Compose, report, and turn a mistake of the user's into one message."""
    from reattend.records import RecordError
    from reattend.report import parse_spec, read_specs, write_report
    from reattend.settings import SettingError

    values: Any = OmegaConf.to_container(config, resolve=True)
    try:
        every = read_specs(TABLES)
        specs = [parse_spec(values["table"])] if "table" in values else every
        readme = Path(values["readme"]) if values["readme"] else None
        known = [spec.name for spec in every]
        write_report(Path(values["results_dir"]), specs, readme=readme, known=known, say=print)
    except (SettingError, RecordError, OSError) as error:
        raise CompactHydraException(str(error)) from None


if __name__ == "__main__":
    main()
