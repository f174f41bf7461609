"""The lines below a table: what its numbers are, and where they come from."""

from reattend.report.layers.figure import left_out
from reattend.report.layers.numbers import Table
from reattend.report.provenance import origin
from reattend.report.variants.cells import choice
from reattend.report.variants.claims import say_best

CHOSEN_WORDS = "nats per token of these blocks"


def legend(table: Table) -> list[str]:
    """The lines below a table."""
    spec, records = table.spec, table.records
    data = records[0].data
    seeds = sorted({record.model["seed"] for record in records})
    several = ", ± the standard deviation over them" if len(seeds) > 1 else ""
    text = f"{data['split']} split of {data['name']}"
    lines = [
        f"Measured on {data['samples']} blocks of {data['length']} {data['unit']}s of the {text}, in float64; values "
        f"of a model are means over blocks, gradients those of single blocks.",
        "Stacks: the model as it is (full), or run without its feed-forward parts, its skips, or both; without a skip "
        "a part's output replaces its input. Initial: the same model before its training.",
        f"Means over seeds ({', '.join(map(str, seeds))}){several}. Cosines are compared by their difference, ratios "
        f"and norms by their quotient (means of logarithms), paired by seed, with a 95 % t-interval; one that spans "
        f"zero (a quotient's: one) leaves the sign open.",
        f"Runs: {origin(records)}.",
    ]
    if spec.best:
        values = "; ".join(f"{row.label} {choice(row.choice)}" for row in table.rows)
        lines.append(f"{say_best(spec.best, [row.choice for row in table.rows], by=CHOSEN_WORDS)} {values}.")
    missing = left_out(table)
    if missing:
        lines.append(f"Not in the picture: {', '.join(missing)}.")
    return [*lines, *spec.notes]
