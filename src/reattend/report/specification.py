"""What a table shows: the schema of `conf/table/<name>.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from reattend.settings import SettingError, check_types


@dataclass(frozen=True, kw_only=True)
class Published:
    """A number from the paper, shown beside ours and never mixed with it."""

    row: str
    text: str  # as the cell shows it
    value: float  # the row's difference to the baseline, in `unit`
    unit: str
    task: str
    support: str  # how well the number is supported
    source: str


@dataclass(frozen=True, kw_only=True)
class TableSpec:
    """One table: which records, which rows, which metric."""

    name: str
    title: str
    select: dict[str, Any]  # dotted config key -> value that a record must have
    rows: str  # the dotted config key whose values are the rows
    baseline: str  # the row that the others are compared with
    metric: str  # "<split>/<what>"
    lower_is_better: bool
    decimals: int
    evaluation: str  # how the split is scored
    published: list[Published] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def metric_words(self) -> str:
        """The metric as a heading: `test/bits_per_byte` -> `test bits per byte`."""
        return self.metric.replace("/", " ").replace("_", " ")


def parse_spec(values: Mapping[str, Any], *, group: str = "table") -> TableSpec:
    """The table that `values` describe, or a SettingError naming the wrong one."""
    given = check_types(TableSpec.__init__, values, group=group, given={})
    published = [
        Published(**check_types(Published.__init__, number, group=f"{group}.published", given={}))
        for number in given.pop("published", [])
    ]
    return TableSpec(published=published, **given)


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
