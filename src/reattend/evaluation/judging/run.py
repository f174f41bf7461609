"""Pairs of stories to the judge, one after the other, and all that a record needs.

An attempt begins with what those before it judged, be it in their record or unfinished, and asks only for orders of
pairs without an answer that names an option.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reattend.evaluation.judge import Given
from reattend.evaluation.judging.endpoint import Endpoint, Reply
from reattend.evaluation.judging.settings import JudgeSettings
from reattend.evaluation.judging.verdicts import pick, question, verdict
from reattend.evaluation.progress import SentenceProgress
from reattend.evaluation.storytelling.files import Told
from reattend.evaluation.unfinished import Interrupted, Unfinished
from reattend.records import Clock, JudgementRecord, Metric, PeakMemory, config_hash, origin
from reattend.records.stories import MISSING, VERDICTS
from reattend.settings import Stop


def judge(
    config: Mapping[str, Any],
    settings: JudgeSettings,
    given: Given,
    *,
    name: str,
    folder: Path,
    before: JudgementRecord | None = None,
) -> JudgementRecord:
    """The record of all comparisons, those of `before` and of an unfinished attempt among them."""
    clock, memory = Clock(), PeakMemory()
    memory.reset()
    pairs = [(given.first[number], given.second[number]) for number in sorted(given.first)]
    early = [(one, other) for one, other in pairs if one.untouched and other.untouched]
    compared = [(one, other) for one, other in pairs if not (one.untouched and other.untouched)][: config["limit"]]
    identity = {"config_hash": config_hash(config), "sides": given.sides}
    unfinished = Unfinished(folder, identity, fresh=config["force"])
    known: dict[int, Any] = {part["number"]: part for part in unfinished.parts}
    models, seconds = set[str](), 0.0
    if before is not None:
        known = {one["number"]: one for one in before.comparisons} | known
        models, seconds = {*before.judge["answered_as"]}, before.timing["judging_seconds"]
    endpoint = Endpoint(settings, answered=any(picked for one in known.values() for picked in one["picks"]))
    progress = SentenceProgress(total=len(compared), shown=config["progress"], does="judging", units="pairs")
    try:
        with progress:
            for first, second in compared:
                earlier = known.get(first.number)
                if earlier is None or earlier["verdict"] == MISSING:
                    known[first.number] = compare(endpoint, first, second, earlier)
                    unfinished.add(known[first.number])
                progress.add(1)
    except KeyboardInterrupt:
        raise Interrupted(name, progress.done, len(compared), what="comparisons") from None
    finally:
        endpoint.close()
    parts = [known[first.number] for first, _ in compared]
    _refuse_nothing(name, parts)
    models |= {model for part in unfinished.parts for model in part["models"]}
    return JudgementRecord(
        **origin(config, name=name, accelerator=None, threads=1),
        memory=memory.read(),
        metrics=_metrics([part["verdict"] for part in parts]),
        sides=given.sides,
        judge={"model": settings.model, "answered_as": sorted(models)},
        comparisons=[{k: v for k, v in part.items() if k not in ("models", "seconds")} for part in parts],  # type: ignore[misc]
        dropped={"pairs": len(early), "differ": sum(one.text != other.text for one, other in early)},
        timing={**clock.read(), "judging_seconds": seconds + sum(part["seconds"] for part in unfinished.parts)},
    )


def compare(endpoint: Endpoint, first: Told, second: Told, earlier: Mapping[str, Any] | None) -> dict[str, Any]:
    """A part of an unfinished run: both orders of one pair, of which an earlier attempt may have one."""
    clock = time.perf_counter()
    shown = [] if first.text == second.text else [(first, second), (second, first)]
    answers = [None] * len(shown) if earlier is None else earlier["answers"]
    replies = [
        Reply(answer) if answer is not None and pick(answer) else endpoint.ask(question(first.prompt, a.text, b.text))
        for answer, (a, b) in zip(answers, shown, strict=True)
    ]
    picks = [None if reply.text is None else pick(reply.text) for reply in replies]
    unclear = [None if p or reply.text is None else "names no option" for p, reply in zip(picks, replies, strict=True)]
    return {
        "number": first.number,
        "verdict": verdict(picks) if shown else "tie",
        "asked": bool(shown),
        "picks": picks,
        "answers": [reply.text for reply in replies],
        "problems": [reply.problem or other for reply, other in zip(replies, unclear, strict=True)],
        "models": [reply.model for reply in replies if reply.model],
        "seconds": time.perf_counter() - clock,
    }


def _refuse_nothing(name: str, parts: list[Any]) -> None:
    """Pairs of equal texts are judged by nobody, and a record of them alone would hide that."""
    asked = [part for part in parts if part["asked"]]
    if asked and all(part["verdict"] == MISSING for part in asked):
        problem = next(problem for part in asked for problem in part["problems"] if problem)
        what = f"none of {len(asked)} comparisons was judged ({problem}), so no record is written"
        raise Stop(f"{name}: {what}. The same command asks again.")


def _metrics(verdicts: list[str]) -> dict[str, Metric]:
    """Shares of the comparisons that are not missing."""
    known = [one for one in verdicts if one != MISSING]
    shares = {one: known.count(one) for one in VERDICTS if one != MISSING}
    if not known:
        return {}
    return {f"{one}_share": Metric(n / len(known), "of judged pairs", n, len(known)) for one, n in shares.items()}
