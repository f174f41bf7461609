"""Which entries of the state live how long, under any bounded policy (arXiv 2401.06104, Tables 2 and 5, Figs. 8 and 9).

Chunks are read as for perplexity, and the step after which each entry of each layer leaves is noted exactly. What is
counted: retaining/residence.py. The paper's analyses are those of 31 books of PG-19 and LLaMA-2-7B, in chunks of 4,096
tokens.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reattend.evaluation.perplexity import Perplexity
from reattend.evaluation.under_policy import check_keys, named, policy_of
from reattend.evaluation.unfinished import forget
from reattend.jobs import once
from reattend.records import RetentionRecord
from reattend.settings import SettingError

SHOWN = 12  # parts of speech


class Retention(Perplexity):
    def __init__(self, *, tagger: str | None = None, **options: Any) -> None:
        """`tagger`: a module of retaining/tagging/; None counts no parts of speech."""
        super().__init__(**options)
        self.tagger = tagger

    def run(self, config: Mapping[str, Any]) -> str:
        check_keys(config, max_tokens=2)

        def work(name: str, folder: Path) -> RetentionRecord:
            from reattend.cache.base import Bounded

            policy = policy_of(config)
            if not isinstance(policy, Bounded):
                expected = "a policy with a size; without one every entry stays to the end"
                raise SettingError("policy", config["policy"]["name"], expected, "Set policy=tova policy.size=256.")
            if policy.for_prompts()[1] is not None:  # it cuts the text
                expected = "a policy by whose rule entries leave one by one; this one forgets all of them at once"
                raise SettingError("policy", config["policy"]["name"], expected, "Set policy=window or policy=tova.")
            from reattend.evaluation.retaining.run import retain

            return retain(self, config, policy, name=name, folder=folder)

        return summary(once(config, RetentionRecord, work, keeps="unfinished", clean=forget))


def summary(record: RetentionRecord) -> str:
    """A few lines on a record."""
    found, policy = record.metrics, record.config["policy"]
    read = sum(part["read"] for part in record.parts)
    lines = [
        f"{named(record)}: {read:,} tokens in {len(record.parts)} chunks",
        f"  steps that attend to an entry: {found['mean_residence'].value:,.2f} in the mean, "
        f"to the first {found['first_residence'].value:,.1f}",
    ]
    if "recency_share" in found:
        share, once_ = found["recency_share"].value, found["at_once_share"].value
        lines.append(f"  kept entries among the last {policy['size']}: {share:.1%}; left at once: {once_:.2%}")
    tags = by_tag(record)
    if tags:
        lines.append(f"  by part of speech ({record.tagger}):")
        lines += [f"    {tag:<6} {mean:>9,.1f} steps {count:>9,} tokens" for tag, mean, count in tags[:SHOWN]]
    return "\n".join(lines)


def by_tag(record: RetentionRecord) -> list[tuple[str, float, int]]:
    """Part of speech, mean steps and tokens; those that stay longest first."""
    tokens: dict[str, int] = {}
    entries: dict[str, int] = {}
    steps: dict[str, int] = {}
    for part in record.parts:
        for tag, counts in part["tags"].items():
            count, total = map(int, counts.split())
            tokens[tag] = tokens.get(tag, 0) + count
            entries[tag] = entries.get(tag, 0) + count * part["sets"]
            steps[tag] = steps.get(tag, 0) + total
    rows = [(tag, steps[tag] / entries[tag], tokens[tag]) for tag in tokens]
    return sorted(rows, key=lambda row: (-row[1], row[0]))
