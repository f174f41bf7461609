"""A grid for each record, as Markdown for people and as CSV for programs; the paper's table below ours."""

from collections.abc import Mapping, Sequence
from typing import Any

from reattend.records.bench import BenchRecord
from reattend.report.grid import digits, grid
from reattend.report.provenance import origin
from reattend.report.throughput.specification import Published, ThroughputSpec

HEADING = ["cache", "size", "KV MiB", "batch", "ms/step of one", "tokens/s", "over full", "lowest to highest"]


def markdown(spec: ThroughputSpec, records: Sequence[BenchRecord]) -> str:
    """Title, grids and the lines that say what their numbers are."""
    lines = [f"**{spec.title}**", ""]
    for record in records:
        lines += [f"{about(record)}:", "", *grid([HEADING, *map(_cells, record.result["sides"])]), ""]
    for published in spec.published:
        lines += [f"Published, {published.model}, {published.task} ({published.source}):", "", *_theirs(published), ""]
    return "\n".join([*lines, *(f"- {line}" for line in [*_legend(records), *spec.notes])]) + "\n"


def about(record: BenchRecord) -> str:
    """The model, where it ran and within which bounds."""
    found = record.result
    return (
        f"{found['lm']}, {found['dtype']}, {found['history']:,} tokens of history, "
        f"{found['budget_mib']:,} MiB of keys and values"
    )


def label(side: Mapping[str, Any]) -> str:
    """`tova 256`."""
    return f"{side['name']} {side['size']}" if side["size"] is not None else str(side["name"])


def _cells(side: Mapping[str, Any]) -> list[str]:
    low, high = side["over_full_range"]
    return [
        side["name"],
        "all" if side["size"] is None else f"{side['size']:,}",
        f"{side['kv_bytes'] / 2**20:,.2f}",
        f"{side['batch']:,}",
        f"{side['milliseconds_of_one']:,.1f}",
        f"{side['tokens_per_second']:,.1f}",
        f"× {side['over_full']:.2f}",
        f"{low:.2f} to {high:.2f}",
    ]


def _theirs(published: Published) -> list[str]:
    rows = [["", *(f"{size:,}" for size in published.sizes)]]
    rows += [[heading, *(f"{value:g}" for value in values)] for heading, values in published.columns.items()]
    return grid(rows)


def _legend(records: Sequence[BenchRecord]) -> list[str]:
    rounds = sorted({record.result["rounds"] for record in records})
    return [
        "KV MiB: keys and values of one sequence after that history; batch: sequences that the budget has room for.",
        "Over full: tokens/s of that batch over those of the full cache's batch, both writing in turn in one process; "
        f"the median, the lowest and the highest of {' or '.join(map(str, rounds))} rounds.",
        *dict.fromkeys(f"Run: {origin([record])}." for record in records),
    ]


def values(records: Sequence[BenchRecord]) -> list[dict[str, object]]:
    """A line for each side, six significant digits."""
    return [
        {
            "lm": record.result["lm"],
            "dtype": record.result["dtype"],
            "device": record.result["device"],
            "history": record.result["history"],
            "budget_mib": record.result["budget_mib"],
            "cache": side["name"],
            "size": "" if side["size"] is None else side["size"],
            "kv_bytes": side["kv_bytes"],
            "batch": side["batch"],
            "milliseconds_of_one": digits(side["milliseconds_of_one"]),
            "tokens_per_second": digits(side["tokens_per_second"]),
            "over_full": digits(side["over_full"]),
        }
        for record in records
        for side in record.result["sides"]
    ]
