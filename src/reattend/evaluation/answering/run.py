"""A set of questions, document by document, and all that a record needs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reattend.cache import Policy
from reattend.data import Question, Questions
from reattend.evaluation.answering.answerer import Answerer, Case, Part
from reattend.evaluation.answering.base import Answers
from reattend.evaluation.answering.prompts import Asker
from reattend.evaluation.answering.scores import SCORES, metrics
from reattend.evaluation.predictions import save
from reattend.evaluation.progress import SentenceProgress
from reattend.evaluation.under_policy import largest
from reattend.evaluation.unfinished import Interrupted, Unfinished
from reattend.models.language import LanguageModel, build_lm
from reattend.models.meter import Meter
from reattend.records import AnswersRecord, config_hash


def answer(
    task: Answers, config: Mapping[str, Any], policy: Policy, questions: Questions, *, name: str, folder: Path
) -> AnswersRecord:
    """The record of a set of questions, which goes on after those that an earlier attempt answered."""
    meter = Meter(threads=config["threads"])
    lm = build_lm(config["lm"]).load()
    documents = _cases(task, lm, policy, questions)
    data = questions.identity() | {"unit": lm.unit, "published": questions.published()}
    identity = {"config_hash": config_hash(config), "lm": lm.identity(), "data": data}
    unfinished = Unfinished(folder, identity, fresh=config["force"])
    reader = Answerer(task, lm, policy, chunk=config["chunk"])
    order = [case.question for document in documents for case in document]
    with SentenceProgress(total=len(order), shown=config["progress"], does="answering", units="questions") as progress:
        progress.add(len(unfinished.parts))
        for document in documents:
            todo = [case for case in document if unfinished.find(question=case.question.id) is None]
            if not todo:
                continue
            try:
                for parts in reader.answered(document, todo):
                    for part in parts:
                        unfinished.add(part)
                    progress.add(len(parts))
            except KeyboardInterrupt:
                raise Interrupted(name, len(unfinished.parts), len(order), what="questions") from None
    parts = [unfinished.find(question=question.id) for question in order]
    kept: Any = [{key: value for key, value in part.items() if key != "prediction"} for part in parts]
    lines = [_line(question, part) for question, part in zip(order, parts, strict=True)]
    return AnswersRecord(
        **meter.origin(config, name=name, device=reader.device),
        metrics=metrics(kept),
        lm=lm.identity(),  # type: ignore[arg-type]
        data=data,  # type: ignore[arg-type]
        predictions=save(Path(str(config["results_dir"])), name, lines),
        parts=kept,
        state=largest(kept),
        timing=meter.clock.read() | _seconds(kept),
    )


def _cases(task: Answers, lm: LanguageModel, policy: Policy, questions: Questions) -> list[list[Case]]:
    """Document by document; a prompt that cannot be read is refused before the first is."""
    most, setting = task.context, "task.context"
    _, bound = policy.for_prompts()
    if bound is not None and (most is None or bound < most):
        most, setting = bound, "policy.size"
    asker = Asker(task.form, lm, chat=task.chat, bos=task.bos, most=most, setting=setting)
    documents: dict[str, list[Case]] = {}
    every = questions.questions()
    for question, prompt in zip(every, asker.prompts(every), strict=True):
        references = [asker.answer(prompt, text) for text in question.answers[: task.references]]
        documents.setdefault(question.document_id, []).append(Case(question, prompt, references))
    cases = [case for document in documents.values() for case in document]
    longest = max((len(reference) for case in cases for reference in case.references), default=0)
    prompt_tokens = max(len(case.prompt.tokens) for case in cases)
    if not task.fits(prompt_tokens, max(longest, task.max_new_tokens), lm.context):
        least = max(asker.least(question) for question in every)
        raise task.beyond(prompt_tokens, least=least, reference=longest, context=lm.context)
    return list(documents.values())


def _line(question: Question, part: Part) -> dict[str, Any]:
    """A question's answer as it is saved."""
    about = {"id": question.id, "document_id": question.document_id, "question": question.question}
    shown = {key: part[key] for key in ("prediction", *SCORES, "written", "ended")}
    return about | shown | {"references": list(question.answers)}


def _seconds(parts: Sequence[Part]) -> Any:
    found = {key: sum(part[key] for part in parts) for key in ("read_seconds", "score_seconds", "write_seconds")}
    return {**found, "tokens_per_second": sum(part["written"] for part in parts) / found["write_seconds"]}
