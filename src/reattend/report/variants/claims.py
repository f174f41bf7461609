"""What a long table must say of itself: how its rows were chosen, and how many of its intervals chance would move.

All layouts that compare rows over seeds share these lines.
"""

from collections.abc import Iterable, Mapping, Sequence

from reattend.report.statistics import Estimate, holm
from reattend.report.variants.best import Best
from reattend.report.variants.rows import Choice

FEW = 4  # intervals that a reader can keep in mind together
LEVEL = 0.05  # of a 95 % interval


def say_best(best: Best, choices: Sequence[Choice | None], *, by: str | None = None) -> str:
    """How the value of each row was chosen; `by` spells the metric, where it is not the table's own."""
    known = [found for found in choices if found]
    seeds = sorted({found.seeds for found in known if len(found.tried) > 1})
    if not seeds:
        return f"Each row was trained at one {best.words} alone: none was chosen."
    count = " to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))
    metric = by or best.by.replace("/", " ").replace("_", " ")
    text = (
        f"Each row at its best of the {best.words}s it was trained at, chosen by {metric} over the seeds that all "
        f"{best.words}s of the row have (n={count}); never by the score shown."
    )
    if any(len(found.tried) == 1 for found in known):
        text += " Of 1: there was no other to choose from."
    if any(found.at_edge for found in known):
        text += " Edge: the lowest or the highest of those tried, so that one beyond may be better still."
    return text


def say_seeds(seeds: Iterable[int]) -> str:
    """`seeds 1, 2, 3`."""
    found = sorted(set(seeds))
    return f"seed{'s' if len(found) > 1 else ''} {', '.join(map(str, found))}"


def say_one_seed(differences: Iterable[Estimate | None]) -> list[str]:
    """Where a difference has no interval, how to get one."""
    if all(found is None or found.interval for found in differences):
        return []
    return ["One seed does not show what chance does: train with seed=1,2,3 for an interval."]


def say_many(differences: Mapping[str, Estimate | None]) -> list[str]:
    """Of many intervals some leave out zero by chance: how many that would be, and what is left without those."""
    known = {label: p for label, found in differences.items() if found and (p := found.p) is not None}
    if len(known) <= FEW:
        return []
    outside = sum(p < LEVEL for p in known.values())
    adjusted = dict(zip(known, holm(list(known.values())), strict=True))
    kept = sorted((p, label) for label, p in adjusted.items() if p < LEVEL)
    others = [label for label, p in adjusted.items() if p >= LEVEL]
    named = ", ".join(f"{label} (p = {p:.2g})" for p, label in kept) or "none"
    if len(kept) > len(others):
        named = f"all but {', '.join(others)}" if others else "all"
    return [
        f"{len(known)} intervals: if nothing differed, chance alone would make {LEVEL * len(known):.1f} of them leave "
        f"out zero; {outside} {'does' if outside == 1 else 'do'}. After Holm's correction for their number (paired "
        f"t-tests, 5 %) these still differ: {named}."
    ]
