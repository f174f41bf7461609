"""A judge compares the stories of two versions: any model behind an OpenAI-compatible endpoint (judging/verdicts.py).

Pairs in which both stories ended before anything had left a state are dropped, as in the paper: they are equal. Other
pairs of equal texts are ties without a question. All else is asked twice, and a question that gets no answer, or one
that names no option, makes its comparison missing. The same command asks again for what is missing in a record, and for
nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from reattend.evaluation.base import ANEW, Task
from reattend.evaluation.judging.settings import JudgeSettings
from reattend.evaluation.storytelling.files import Told, read_side
from reattend.evaluation.unfinished import forget
from reattend.jobs import once
from reattend.records import JudgementRecord
from reattend.records.stories import MISSING, VERDICTS, Sides
from reattend.settings import SettingError, at_least, check_types, typed


@dataclass(frozen=True)
class Given:
    """Two sets of stories, by number."""

    first: dict[int, Told]
    second: dict[int, Told]
    sides: Sides

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> "Given":
        names = [typed(key, config[key], str) for key in ("first", "second")]
        results = Path(str(config["results_dir"]))
        (first, one), (second, other) = (
            read_side(key, name, results) for key, name in zip(("first", "second"), names, strict=True)
        )
        if first.keys() != second.keys():
            alone = min(first.keys() ^ second.keys())
            expected = f"the stories with the numbers of first={names[0]}; only one of them has number {alone}"
            raise SettingError("second", names[1], expected, "Write both with the same task.count.")
        for number, story in first.items():
            if story.prompt != second[number].prompt:
                expected = f"the prompts of first={names[0]}; story {number} has another"
                raise SettingError("second", names[1], expected, "Write both with the same prompts.")
        return cls(first, second, {"first": one, "second": other})


class Judge(Task):
    def __init__(self) -> None:
        """Its options are keys of the whole configuration: `judge.model=...`."""

    def run(self, config: Mapping[str, Any]) -> str:
        values = check_types(JudgeSettings.__init__, config["judge"], group="judge", given={})
        settings = JudgeSettings(**values)
        at_least("limit", typed("limit", config["limit"], int | None), 1)
        typed("progress", config["progress"], bool)
        given = Given.of(config)

        def work(name: str, folder: Path, before: JudgementRecord | None = None) -> JudgementRecord:
            from reattend.evaluation.judging.run import judge  # a complete record needs no endpoint

            return judge(config, settings, given, name=name, folder=folder, before=before)

        def left(before: JudgementRecord) -> Callable[[str, Path], JudgementRecord] | None:
            for key, side in given.sides.items():
                if before.sides[key]["sha256"] != side["sha256"]:  # type: ignore[literal-required, index]
                    expected = f"the stories of the record {before.name}; these are others"
                    raise SettingError(key, config[key], expected, ANEW)
            missing = [one["verdict"] for one in before.comparisons].count(MISSING)
            if not missing:
                return None
            print(
                f"{before.name}: {missing} of {len(before.comparisons)} comparisons are missing; they are asked again"
            )
            return partial(work, before=before)

        return summary(once(config, JudgementRecord, work, keeps="unfinished", clean=forget, left=left))


def summary(record: JudgementRecord) -> str:
    """A few lines on a record."""
    sides, dropped = record.sides, record.dropped
    verdicts = [one["verdict"] for one in record.comparisons]
    counts = {name: verdicts.count(name) for name in VERDICTS}
    lines = [
        f"{sides['first']['name']} against {sides['second']['name']}, judged by {record.judge['model']}",
        f"  {len(verdicts)} comparisons: {counts['first']} won, {counts['tie']} ties, {counts['second']} lost, "
        f"{counts[MISSING]} missing",
    ]
    if dropped["pairs"]:
        differ = f", {dropped['differ']} of them not equal" * bool(dropped["differ"])
        lines.append(f"  dropped: {dropped['pairs']} that ended before anything had left a state{differ}")
    problems = {problem for one in record.comparisons for problem in one["problems"] if problem}
    lines += [f"  missing: {problem}" for problem in sorted(problems)[:3]]
    if counts[MISSING]:
        lines.append("  the same command asks again for what is missing")
    return "\n".join(lines)
