"""A version's stories in batches, and all that a record needs."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reattend.cache import Policy
from reattend.evaluation.predictions import save
from reattend.evaluation.progress import SentenceProgress
from reattend.evaluation.stories import Stories, checksum
from reattend.evaluation.storytelling.files import Told
from reattend.evaluation.storytelling.measures import metrics
from reattend.evaluation.storytelling.writer import Writer
from reattend.evaluation.under_policy import largest
from reattend.evaluation.unfinished import Interrupted, Unfinished
from reattend.models.language import build_lm
from reattend.models.meter import Meter
from reattend.records import StoriesRecord, config_hash
from reattend.records.stories import Prompts

KEPT_ASIDE = ("text", "entries", "kv_bytes")  # of a part, what is no measure of the story


def tell(task: Stories, config: Mapping[str, Any], policy: Policy, *, name: str, folder: Path) -> StoriesRecord:
    """The record of a version's stories, which goes on after those that an earlier attempt finished."""
    meter = Meter(threads=config["threads"])
    prompts, source = task.prompts()
    lm = build_lm(config["lm"]).load()
    writer = Writer(task, lm, policy, prompts, seed=config["seed"], chunk=config["chunk"])
    described: Prompts = {"source": source, "sha256": checksum(prompts), "count": len(prompts)}
    identity = {"config_hash": config_hash(config), "lm": lm.identity(), "prompts": described}
    unfinished = Unfinished(folder, identity, fresh=config["force"])
    with SentenceProgress(total=task.count, shown=config["progress"], does="writing", units="stories") as progress:
        progress.add(len(unfinished.parts))
        writer.tell = progress.within
        while todo := [n for n in range(task.count) if unfinished.find(number=n) is None]:
            try:
                parts = writer.stories(todo[: writer.batch_size])
            except KeyboardInterrupt:
                raise Interrupted(name, len(unfinished.parts), task.count, what="stories") from None
            for part in parts:
                unfinished.add(part)
            progress.add(len(parts))
    parts = sorted(unfinished.parts, key=lambda part: part["number"])
    told = [_told(part, prompts[part["prompt"]]) for part in parts]
    stories: Any = [{key: value for key, value in part.items() if key not in KEPT_ASIDE} for part in parts]
    seconds = sum(part["seconds"] for part in parts)
    return StoriesRecord(
        **meter.origin(config, name=name, device=writer.device),
        metrics=metrics(stories),
        lm=lm.identity(),  # type: ignore[arg-type]
        prompts=described,
        predictions=save(Path(str(config["results_dir"])), name, map(asdict, told)),
        stories=stories,
        state=largest(parts),
        timing={
            **meter.clock.read(),
            "writing_seconds": seconds,
            "tokens_per_second": sum(part["tokens"] for part in parts) / seconds,
        },
    )


def _told(part: Mapping[str, Any], prompt: str) -> Told:
    return Told(
        number=part["number"],
        prompt=prompt,
        text=part["text"],
        ended=part["ended"],
        untouched=part["untouched"],
    )
