"""The room table of docs/architecture.md holds: no room imports another that its row does not name."""

import ast
import re
import sys
from pathlib import Path

import pytest

import reattend

HOME = Path(reattend.__file__).parent
PAGE = HOME.parents[1] / "docs" / "architecture.md"
ROW = re.compile(r"^\| `(\w+)/?` \|.*\| ([^|]*) \|$", re.MULTILINE)
ROOMS = {path.stem for path in HOME.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
ROOMS -= {"__init__"}


def table() -> dict[str, set[str]]:
    """Room -> the rooms it may import, in the order of the page; a room that is not built yet is no fault."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition("| room | holds | may import |")
    rows, _, _ = section.partition("\n\n")
    return {room: set(re.findall(r"\w+", allowed)) for room, allowed in ROW.findall(rows)}


def imports(path: Path) -> set[str]:
    """The dotted names that a file imports anywhere in it, those for type checking included."""
    package = ("reattend", *path.relative_to(HOME).parts[:-1])
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*start, *([node.module] if node.module else [])))
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def files(room: str) -> list[Path]:
    whole = HOME / f"{room}.py"
    return [whole] if whole.exists() else sorted((HOME / room).rglob("*.py"))


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_imports_only_what_its_row_allows(room: str) -> None:
    allowed = table()[room] | {room}
    for path in files(room):
        used = {name.split(".")[1] for name in imports(path) if name.startswith("reattend.")} & ROOMS
        assert used <= allowed, f"{path.relative_to(HOME)} imports {', '.join(sorted(used - allowed))}"


def test_a_room_may_import_only_rooms_above_it() -> None:
    above: set[str] = set()
    for room, allowed in table().items():
        assert allowed <= above, f"{room} names {', '.join(sorted(allowed - above))}"
        above.add(room)


@pytest.mark.parametrize("room", ["settings", "records"])
def test_what_every_room_stands_on_needs_the_standard_library_alone(room: str) -> None:
    needed = {name.split(".")[0] for path in files(room) for name in imports(path)}
    assert needed <= {*sys.stdlib_module_names, "reattend"}


def test_relative_imports_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("test_architecture.HOME", tmp_path)
    path = tmp_path / "data" / "deep" / "x.py"
    path.parent.mkdir(parents=True)
    path.write_text("from . import a\nfrom .. import b\nfrom ...models.decoder import c\nimport reattend.report.text")
    assert imports(path) == {
        "reattend.data.deep.a",
        "reattend.data.b",
        "reattend.models.decoder.c",
        "reattend.report.text",
    }


def test_each_file_of_the_tests_has_a_name_of_its_own() -> None:
    """They are imported by it alone: of two of one name the second would be the first again."""
    names = [
        path.name for path in Path(__file__).parent.rglob("*.py") if path.name not in ("conftest.py", "__init__.py")
    ]
    assert len(names) > 100
    assert sorted({name for name in names if names.count(name) > 1}) == []
