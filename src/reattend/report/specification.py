"""From `conf/table/<name>.yaml` to a description: `layout` names the class whose fields are the file's schema."""

import dataclasses
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from omegaconf import OmegaConf

from reattend.report.table import TableSpec
from reattend.settings import SettingError, check_types, find_class, typed

LAYOUTS = "reattend.report.layouts"
T = TypeVar("T")


def parse_spec(values: Mapping[str, Any], *, group: str = "table") -> TableSpec:
    """The table that `values` describe, or a SettingError naming the wrong one; `variants` is the usual layout."""
    layout = str(values.get("layout", "variants"))
    cls = find_class(TableSpec, LAYOUTS, layout, setting=f"{group}.layout")
    return _checked(cls, {key: value for key, value in values.items() if key != "layout"}, group)


def _checked(cls: type[T], values: Mapping[str, Any], group: str) -> T:
    """A `cls` of `values`, those of the dataclasses in its lists included."""
    given = check_types(cls.__init__, values, group=group, given={})
    hints = typing.get_type_hints(cls)
    for key, value in given.items():
        inner = typing.get_args(hints[key])
        if inner and dataclasses.is_dataclass(inner[0]):
            given[key] = [
                _checked(typing.cast(type, inner[0]), typed(f"{group}.{key}", item, dict), f"{group}.{key}")
                for item in value
            ]
    return cls(**given)


def read_specs(folder: Path) -> list[TableSpec]:
    """Every table of a folder of YAML files, by name."""
    specs = []
    for path in sorted(folder.glob("*.yaml")):
        values: Any = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
        spec = parse_spec(values, group=f"table.{path.stem}")
        if spec.name != path.stem:
            raise SettingError(f"table.{path.stem}.name", spec.name, path.stem, "Name a table as its file.")
        specs.append(spec)
    return specs
