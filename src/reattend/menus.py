"""The menus of options, read from conf/: a file is an option, its first comment line says what it is."""

from pathlib import Path

CONF = Path(__file__).resolve().parents[2] / "conf"


def menu(group: str) -> dict[str, str]:
    """Option -> what it is, for every file of conf/<group>/."""
    return {path.stem: opening(path) for path in sorted((CONF / group).glob("*.yaml"))}


def opening(path: Path) -> str:
    """The first comment line of a configuration file that is not a directive to Hydra."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(line.removeprefix("#").strip() for line in lines if line.startswith("# ") and "@package" not in line)
