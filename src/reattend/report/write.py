"""From a folder of records to tables, figures and a page that shows them."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from reattend.files import atomic
from reattend.records.files import read_records
from reattend.records.record import RecordError
from reattend.report.readme import rewrite
from reattend.report.table import LaidOut, TableSpec, select

MAKERS = ("train.py", "evaluate.py task=perplexity")


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
        commands = (f"`python scripts/{maker} results_dir={results}`" for maker in MAKERS)
        raise RecordError(results / "runs", "holds no records", f"{' or '.join(commands)} makes some")
    shown: dict[str, tuple[str, Path]] = {}
    for spec in specs:
        chosen = select(spec, records)
        if not chosen:
            continue
        table = spec.lay_out(chosen)
        paths = _write_files(results, spec.name, table)
        say("\n".join([table.markdown, *(f"  {path}" for path in paths), ""]))
        shown[spec.name] = (table.markdown, paths[-1])
    if not shown:
        problem = f"none of its {len(records)} records belongs to a table"
        raise RecordError(results / "runs", problem, "Add a conf/table/NAME.yaml that selects them")
    if readme:
        rewrite(readme, shown, known=known)


def _write_files(results: Path, name: str, table: LaidOut) -> list[Path]:
    files = {
        results / "tables" / f"{name}.md": table.markdown,
        results / "tables" / f"{name}.csv": table.comma_separated,
    }
    for path, content in files.items():
        with atomic(path) as temporary:
            temporary.write_text(content, encoding="utf-8")
    picture = results / "figures" / f"{name}.png"
    with atomic(picture) as temporary:
        table.draw(temporary)
    return [*files, picture]
