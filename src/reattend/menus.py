"""The menus of options, read from conf/: a file is an option, its first comment line says what it is.

`python -m reattend.menus README.md` writes them between the markers of a page.
"""

import re
import sys
from pathlib import Path

CONF = Path(__file__).resolve().parents[2] / "conf"
BLOCK = re.compile(r"(<!-- menu:(?P<group>\S+) -->\n).*?(<!-- /menu -->)", re.DOTALL)


def menu(group: str) -> dict[str, str]:
    """Option -> what it is, for every file of conf/<group>/."""
    return {path.stem: opening(path) for path in sorted((CONF / group).glob("*.yaml"))}


def opening(path: Path) -> str:
    """The first comment line of a configuration file that is not a directive to Hydra."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(line.removeprefix("#").strip() for line in lines if line.startswith("# ") and "@package" not in line)


def refreshed(page: str) -> str:
    """The page with each of its menus made anew."""
    return BLOCK.sub(lambda block: f"{block[1]}{_markdown(block['group'])}{block[3]}", page)


def _markdown(group: str) -> str:
    rows = [f"| `{group}={name}` | {what} |\n" for name, what in menu(group).items()]
    return "".join([f"| {group} | |\n|---|---|\n", *rows])


if __name__ == "__main__":
    from reattend.files import atomic

    for name in sys.argv[1:]:
        with atomic(Path(name)) as temporary:
            temporary.write_text(refreshed(Path(name).read_text(encoding="utf-8")), encoding="utf-8")
