"""Records become one table of the layout `variants` for each task, and these become columns of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reattend.records.identity import config_hash, deciding
from reattend.records.record import RecordError, TrainingRecord
from reattend.report.comparable import refuse_to_mix
from reattend.report.statistics import Estimate, estimate
from reattend.report.tasks.specification import Column, TasksSpec
from reattend.report.variants.numbers import Row as Scored
from reattend.report.variants.numbers import Table as Task
from reattend.report.variants.numbers import build_table as build_variants
from reattend.report.variants.numbers import value_of
from reattend.report.variants.rows import Choice, Variant, named, own_settings, row_groups


@dataclass(frozen=True)
class Cell:
    """One variant on one task."""

    score: Estimate
    change: Estimate | None  # to the baseline in percent of it, over the seeds that both have
    choice: Choice | None  # where the table has `best_of`


@dataclass(frozen=True)
class Row:
    """One variant on those tasks that it was trained on, by their titles."""

    label: str
    is_baseline: bool
    cells: dict[str, Cell]


@dataclass(frozen=True)
class Table:
    """A table's numbers; `tasks` are its columns that have records."""

    spec: TasksSpec
    tasks: list[tuple[Column, Task]]
    rows: list[Row]


def build_table(spec: TasksSpec, records: Sequence[TrainingRecord]) -> Table:
    """The table over `records`."""
    members = [(column, [r for r in records if r.config["experiment"] == column.experiment]) for column in spec.columns]
    tasks = [(column, _task(spec, column, own)) for column, own in members if own]
    variants: dict[str, Variant[TrainingRecord]] = {}
    found: dict[str, dict[str, Scored]] = {}
    for column, task in tasks:
        for scored in task.rows:
            settings = _settings(spec, scored.records[0])
            key = config_hash(settings)
            variants.setdefault(key, Variant(scored.row, settings, {}))
            other = found.setdefault(key, {}).setdefault(column.title, scored)
            if other is not scored:
                problem = (
                    f"has the same {' and '.join(row_groups(spec))} as {other.records[0].name}, but other settings"
                )
                fix = f"Select one kind for table.{spec.name}, or set best_of to what they differ in"
                raise RecordError(scored.records[0].name, problem, fix)
    rows = [
        Row(variant.label, variant.row == spec.baseline, _cells(tasks, found[config_hash(variant.config)]))
        for variant in named(spec, list(variants.values()))
    ]
    return Table(spec, tasks, rows)


def _task(spec: TasksSpec, column: Column, records: Sequence[TrainingRecord]) -> Task:
    """Those of one task, which must have been trained equally long; a control may take fewer of the steps."""
    remedy = "select one length, or give the other runs an experiment of their own"
    refuse_to_mix(records, {"trainer.max_steps": _planned}, table=spec.name, remedy=remedy)
    return build_variants(spec.task(column), records)


def _planned(record: TrainingRecord) -> object:
    return record.config["trainer"]["max_steps"]


def _settings(spec: TasksSpec, record: TrainingRecord) -> dict[str, Any]:
    """What makes a row the same on every task: all else differs by task."""
    return {k: value for k, value in own_settings(spec, deciding(record.config)).items() if k != spec.best_of}


def _cells(tasks: Sequence[tuple[Column, Task]], found: dict[str, Scored]) -> dict[str, Cell]:
    return {column.title: _cell(task, found[column.title]) for column, task in tasks if column.title in found}


def _cell(task: Task, scored: Scored) -> Cell:
    pairs = [(value_of(task.spec, mine), value_of(task.spec, base)) for mine, base in scored.pairs]
    changes = [100 * (mine / base - 1) for mine, base in pairs]
    return Cell(scored.score, estimate(changes) if changes else None, scored.choice)
