"""Turn records into tables and figures: python scripts/report.py results_dir=DIR"""

from pathlib import Path
from typing import Any

from reattend.commandline import command
from reattend.menus import CONF


@command("report")
def main(config: dict[str, Any]) -> None:
    from reattend.report import parse_spec, read_specs, write_report

    every = read_specs(CONF / "table")
    specs = [parse_spec(config["table"])] if "table" in config else every
    readme = Path(config["readme"]) if config["readme"] else None
    known = [spec.name for spec in every]
    write_report(Path(config["results_dir"]), specs, readme=readme, known=known, say=print)


if __name__ == "__main__":
    main()
