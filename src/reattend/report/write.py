"""From a folder of records to tables, figures and a page that shows them."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from reattend.records.files import atomic, read_records
from reattend.records.record import RecordError
from reattend.report.figure import draw
from reattend.report.readme import rewrite
from reattend.report.specification import TableSpec
from reattend.report.table import Table, build_table, select
from reattend.report.text import comma_separated, markdown

TRAIN = "python scripts/train.py -m attention=softmax,dagpam"


def write_report(
    results: Path,
    specs: Sequence[TableSpec],
    *,
    say: Callable[[str], None],
    readme: Path | None = None,
    known: Collection[str] = (),
) -> None:
    """Write every table that has records, and `say` each with the paths of its files.

    `readme` is a page to show them on; it may have blocks of `known` tables that are not among `specs`.
    """
    records = read_records(results / "runs")
    if not records:
        raise RecordError(results / "runs", "holds no records", f"`{TRAIN} results_dir={results}` makes some")
    shown: dict[str, tuple[str, Path]] = {}
    for spec in specs:
        chosen = select(spec, records)
        if not chosen:
            continue
        table = build_table(spec, chosen)
        text = markdown(table)
        paths = _write_files(results, table, text)
        say("\n".join([text, *(f"  {path}" for path in paths), ""]))
        shown[spec.name] = (text, paths[-1])
    if not shown:
        problem = f"none of its {len(records)} records belongs to a table"
        raise RecordError(results / "runs", problem, "Add a conf/table/NAME.yaml that selects them")
    if readme:
        rewrite(readme, shown, known=known)


def _write_files(results: Path, table: Table, text: str) -> list[Path]:
    name = table.spec.name
    files = {
        results / "tables" / f"{name}.md": text,
        results / "tables" / f"{name}.csv": comma_separated(table),
    }
    for path, content in files.items():
        with atomic(path) as temporary:
            temporary.write_text(content, encoding="utf-8")
    picture = results / "figures" / f"{name}.png"
    with atomic(picture) as temporary:
        draw(table, temporary)
    return [*files, picture]
