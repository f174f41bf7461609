"""Where the numbers of a table come from, in words."""

from collections.abc import Iterable

from reattend.records.record import LanguageModel, Record


def machine(record: Record) -> str:
    """The GPU, or the processor and its threads."""
    hardware = record.hardware
    threads = "1 CPU thread" if hardware["threads"] == 1 else f"{hardware['threads']} CPU threads"
    return hardware["accelerator"] or f"{hardware['processor']}, {threads}"


def same_machine(one: Record, other: Record) -> bool:
    """Whether times of the two can be compared."""
    kept = ("processor", "cores", "threads", "accelerator")
    return [one.hardware[key] for key in kept] == [other.hardware[key] for key in kept]  # type: ignore[literal-required]


def commit(record: Record) -> str:
    """The commit of the code, and whether that was all of it."""
    git = record.git
    if git["commit"] is None:
        return "no commit"
    return f"commit {git['commit'][:10]}" + (" with uncommitted changes" if git["dirty"] else "")


def origin(records: Iterable[Record]) -> str:
    """Machines and commits, each once."""
    every = list(records)
    return f"{unique(map(machine, every))}; {unique(map(commit, every))}"


def pretrained(lm: LanguageModel) -> str:
    """A pretrained model, as the legends of tables over policies name it."""
    return f"Model: {lm['name']}, {lm['architecture']}, {lm['parameters']:,} parameters, {lm['dtype']}, {lm['source']}."


def unique(texts: Iterable[str]) -> str:
    """Each text once."""
    return " and ".join(sorted(set(texts)))
