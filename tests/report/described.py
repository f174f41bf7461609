"""The tables that conf/ describes, as the tests of each layout ask for them."""

from functools import cache
from pathlib import Path
from typing import TypeVar

from reattend.report import TableSpec, read_specs

CONF = Path(__file__).parents[2] / "conf"
S = TypeVar("S", bound=TableSpec)


@cache
def tables() -> dict[str, TableSpec]:
    """By name."""
    return {spec.name: spec for spec in read_specs(CONF / "table")}


def conf_table(name: str, layout: type[S]) -> S:
    """conf/table/<name>.yaml, which has that layout."""
    found = tables()[name]
    assert isinstance(found, layout)
    return found
