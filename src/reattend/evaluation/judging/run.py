"""Pairs of stories to the judge, one after the other, and all that a record needs."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reattend.evaluation.judge import VERDICTS, Given
from reattend.evaluation.judging.endpoint import Endpoint
from reattend.evaluation.judging.settings import JudgeSettings
from reattend.evaluation.judging.verdicts import MISSING, pick, question, verdict
from reattend.evaluation.progress import SentenceProgress
from reattend.evaluation.storytelling.files import Told
from reattend.evaluation.unfinished import Interrupted, Unfinished
from reattend.records import Clock, JudgementRecord, Metric, PeakMemory, config_hash, origin


def judge(
    config: Mapping[str, Any], settings: JudgeSettings, given: Given, *, name: str, folder: Path
) -> JudgementRecord:
    """The record of all comparisons, which goes on after those that an earlier attempt finished."""
    clock, memory = Clock(), PeakMemory()
    memory.reset()
    pairs = [(given.first[number], given.second[number]) for number in sorted(given.first)]
    early = [(one, other) for one, other in pairs if one.untouched and other.untouched]
    compared = [(one, other) for one, other in pairs if not (one.untouched and other.untouched)][: config["limit"]]
    identity = {"config_hash": config_hash(config), "sides": given.sides}
    unfinished = Unfinished(folder, identity, fresh=config["force"])
    endpoint = Endpoint(settings)
    try:
        with SentenceProgress(total=len(compared), shown=config["progress"], does="judging", units="pairs") as progress:
            for pair in compared:
                if unfinished.find(number=pair[0].number) is None:
                    unfinished.add(compare(endpoint, *pair))
                progress.add(1)
    except KeyboardInterrupt:
        raise Interrupted(name, len(unfinished.parts), len(compared), what="comparisons") from None
    finally:
        endpoint.close()
    parts = unfinished.parts
    return JudgementRecord(
        **origin(config, name=name, accelerator=None, threads=1),
        memory=memory.read(),
        metrics=_metrics([part["verdict"] for part in parts]),
        sides=given.sides,
        judge={"model": settings.model, "answered_as": sorted({m for part in parts for m in part["models"]})},
        comparisons=[{k: v for k, v in part.items() if k not in ("models", "seconds")} for part in parts],  # type: ignore[misc]
        dropped={"pairs": len(early), "differ": sum(one.text != other.text for one, other in early)},
        timing={**clock.read(), "judging_seconds": sum(part["seconds"] for part in parts)},
    )


def compare(endpoint: Endpoint, first: Told, second: Told) -> dict[str, Any]:
    """A part of an unfinished run: both orders of one pair."""
    clock = time.perf_counter()
    shown = [] if first.text == second.text else [(first, second), (second, first)]
    replies = [endpoint.ask(question(first.prompt, a.text, b.text)) for a, b in shown]
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


def _metrics(verdicts: list[str]) -> dict[str, Metric]:
    """Shares of the comparisons that are not missing."""
    known = [one for one in verdicts if one != MISSING]
    shares = {one: known.count(one) for one in VERDICTS if one != MISSING}
    if not known:
        return {}
    return {f"{one}_share": Metric(n / len(known), "of judged pairs", n, len(known)) for one, n in shares.items()}
