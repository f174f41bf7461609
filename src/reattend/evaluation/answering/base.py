"""Answer questions about documents under a cache policy (arXiv 2401.06104, section 5.2), and score the answers.

A document is read once; of the state that is then kept each of its questions gets a copy. The likeliest token follows
until one ends the answer. Beside the scores of what is written, the likelihood of people's own answers is computed:

    nats per answer token = sum of -ln p of the references' tokens, read after the prompt under the same policy,
                            / number of these tokens

A small model writes answers that share next to nothing with a reference, whatever its state keeps; how likely it finds
the reference still tells states apart.

`policy=truncate` is the paper's baseline: the example is cut to k tokens, its prompt included, and all of it is kept.
"""

import sys
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reattend.data import Questions, build_questions
from reattend.data.store import digest
from reattend.evaluation.address import Choice
from reattend.evaluation.answering.prompts import Form
from reattend.evaluation.base import ANEW, Task
from reattend.evaluation.predictions import file_of, leaderboard, refuse_unwritable
from reattend.evaluation.under_policy import check_keys, in_words, named, policy_of
from reattend.evaluation.unfinished import forget
from reattend.jobs import once
from reattend.records import AnswersRecord
from reattend.settings import SettingError, at_least, typed


class Answers(Task):
    def __init__(
        self,
        *,
        prompt: str,
        prompts: dict[str, Any],
        chat: Choice = "auto",
        bos: Choice = "auto",
        context: int | None = 4096,
        max_new_tokens: int,
        beyond_context: bool = False,
        references: int | None = None,
        transliterate: bool = True,
        batch_size: int = 8,
    ) -> None:
        at_least("task.max_new_tokens", max_new_tokens, 1)
        at_least("task.batch_size", batch_size, 1)
        at_least("task.context", context, 1)
        at_least("task.references", references, 0)
        self.form = Form.of(prompts, prompt)
        self.chat: Choice = chat
        self.bos: Choice = bos
        self.context, self.max_new_tokens, self.beyond_context = context, max_new_tokens, beyond_context
        self.references, self.transliterate, self.batch_size = references, transliterate, batch_size

    @property
    @abstractmethod
    def headline(self) -> tuple[str, ...]:
        """The metrics that are shown, the task's own score first."""

    def run(self, config: Mapping[str, Any]) -> str:
        check_keys(config, limit=1)
        output = typed("output", config["output"], str | None)
        refuse_unwritable(output)
        questions = build_questions(config["data"]).at_most(config["limit"])

        def work(name: str, folder: Path) -> AnswersRecord:  # imports torch, which a finished one does without
            policy = policy_of(config)  # a mistake is told at once
            if not answered(questions):
                print("No references: answered, not scored.", file=sys.stderr)
            from reattend.evaluation.answering.run import answer

            return answer(self, config, policy, questions, name=name, folder=folder)

        record = once(config, AnswersRecord, work, keeps="unfinished", clean=forget)
        if questions.path is not None and digest(questions.prepare()) != record.data["sha256"]:
            expected = f"the questions of the record {record.name}; these are others"
            raise SettingError("data.path", questions.path, expected, ANEW)
        path = file_of(Path(str(config["results_dir"])), record.name)
        lines = [summary(record, self.headline), f"  answers: {path}"]
        if output is not None:
            leaderboard(record, path, Path(output).expanduser())
            lines.append(f"  for the leaderboard: {output}")
        return "\n".join(lines)

    def fits(self, prompt: int, answer: int, context: int | None) -> bool:
        """A model knows positions up to its context only; a longer prompt with its answer is read if asked for."""
        return context is None or prompt + answer <= context or self.beyond_context

    def beyond(self, prompt: int, *, least: int, reference: int, context: int | None) -> SettingError:
        """What to lower, for prompts that take `least` tokens without their document, and references."""
        assert context is not None
        answer, made = max(reference, self.max_new_tokens), f"as the model was made for {context} positions"
        bare = f"{made}, of which a question takes {least} without its document"
        room, beyond = context - least - 1, "or set task.beyond_context=true to go on all the same."
        if answer <= room:
            found = self.context if self.context is not None else "null"
            most = f"at most {context - answer}, {made}; the longest prompt has {prompt} tokens, and an answer "
            most += f"up to {answer}"
            return SettingError("task.context", found, most, f"Lower task.context or task.max_new_tokens, {beyond}")
        if room < 1:
            return SettingError("task.beyond_context", "false", f"true, {bare}", "Set it, or choose another model.")
        if room < reference:
            found = self.references if self.references is not None else "null"
            fix = f"Set task.references=0, {beyond}"
            return SettingError("task.references", found, f"0, {bare}, and a reference up to {reference}", fix)
        fix = f"Lower task.max_new_tokens, and task.context to what that leaves, {beyond}"
        return SettingError("task.max_new_tokens", self.max_new_tokens, f"at most {room}, {bare}", fix)


def answered(questions: Questions) -> bool:
    """Whether there are references: for each question, or, where the gold is private, for none."""
    lacking = [question.id for question in questions.questions() if not question.answers]
    if lacking and len(lacking) < len(questions.questions()):
        expected = f"references for each question, or for none; {lacking[0]} lacks one ({len(lacking)} questions do)"
        raise questions.refusal(expected, "Add what is missing, or remove these questions.")
    return not lacking


def summary(record: AnswersRecord, headline: tuple[str, ...]) -> str:
    """A few lines on a record."""
    data, timing, lines = record.data, record.timing, [named(record)]
    mismatch = data.get("mismatch")
    of = ", ".join(f"{data[key]:,} of {count:,} {key}" for key, count in data["published"].items())  # type: ignore[literal-required]
    whole = (not mismatch and of) or f"{data['documents']:,} documents, {data['questions']:,} questions"
    lines.append(f"  {data['name']} {data['split']}: {whole}; prompt {record.config['task']['prompt']}")
    if mismatch:
        lines.append(f"  NOT as published: {mismatch}")
    for key in headline:
        if metric := record.metrics.get(key):
            lines.append(f"  {key:<34} {metric.value:>8.2f}  of {metric.count:,} questions")
    if metric := record.metrics.get("nats_per_answer_token"):
        from reattend.metrics.likelihood import Likelihood

        perplexity = Likelihood(metric.sum, metric.count).perplexity()
        lines.append(f"  {'perplexity of the references':<34} {perplexity:>8.2f}  per token, of {metric.count:,}")
    cut, ended = sum(part["cut"] > 0 for part in record.parts), sum(part["ended"] for part in record.parts)
    length = sum(part["written"] for part in record.parts) / len(record.parts)
    lines.append(
        f"  {cut:,} prompts hold a part of their document; an answer has {length:,.0f} tokens, {ended:,} were ended by "
        f"the model; {timing['tokens_per_second']:,.1f} tokens/s written"
    )
    lines.append(f"  {in_words(record.state)} of a question")
    return "\n".join(lines)
