"""A table as Markdown for people and as CSV for programs; the same records give the same bytes."""

from reattend.report.estimates import ends
from reattend.report.grid import EMPTY, digits, grid
from reattend.report.translations.legend import legend
from reattend.report.translations.numbers import MAIN, METRICS, Block, Row, Table
from reattend.report.variants.cells import difference, extra_percent, parameters, ratio, score
from reattend.report.variants.rows import row_groups

HEADINGS = ("sacreBLEU", "tokenised BLEU", "compound-split BLEU", "chrF")  # of METRICS


def markdown(table: Table) -> str:
    """Title, a grid for each test set, and the lines that say what its numbers are."""
    lines = [f"**{table.spec.title}**", ""]
    for block in table.blocks:
        lines += [f"**{block.label}**, {block.records[0].data['sentences']:,} sentences:", "", *_grid(table, block), ""]
    return "\n".join([*lines, *(f"- {line}" for line in legend(table))]) + "\n"


def _grid(table: Table, block: Block) -> list[str]:
    spec = table.spec
    compared = [f"Δ to {spec.baseline}", "p by seed", "parameters", "sentences/s", "published Δ"]
    heading = [", ".join(row_groups(spec)), *HEADINGS, *compared]
    return grid([heading, *(_cells(row, spec.decimals) for row in block.rows)])


def _cells(row: Row, decimals: int) -> list[str]:
    main, *others = (row.scores[key] for key in METRICS)
    return [
        row.label,
        score(main, decimals),
        *(f"{other.mean:.{decimals}f}" for other in others),
        difference(row.difference, decimals),
        " ".join(f"{found.p:.2g}" for found in row.by_seed.values()) or EMPTY,
        parameters(*row.parameters),
        ratio(row.speed_ratio),
        "; ".join(number.text for number in row.published) or EMPTY,
    ]


def values(table: Table) -> list[dict[str, object]]:
    """The numbers alone, six significant digits."""
    return [{"test_set": block.label, "row": row.label} | _values(row) for block in table.blocks for row in block.rows]


def _values(row: Row) -> dict[str, object]:
    mean, low, high = ends(row.difference)
    return {
        "n": row.scores[MAIN].n,
        **{key: digits(found.mean) for key, found in row.scores.items()},
        **{f"{key}_sd": digits(found.deviation) for key, found in row.scores.items()},
        "pairs": row.difference.n if row.difference else 0,
        "delta": digits(mean),
        "delta_low": digits(low),
        "delta_high": digits(high),
        "seeds": " ".join(map(str, row.by_seed)),
        "delta_by_seed": " ".join(digits(one.value) for one in row.by_seed.values()),
        "p_by_seed": " ".join(digits(one.p) for one in row.by_seed.values()),
        "parameters": row.parameters[0],
        "extra_percent": digits(extra_percent(*row.parameters)),
        "speed_ratio": digits(row.speed_ratio),
        "published": "; ".join(f"{number.value:+g} {number.unit}" for number in row.published),
        "published_support": "; ".join(number.support for number in row.published),
    }
