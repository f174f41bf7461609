"""Long stories under a cache policy (arXiv 2401.06104): how long they get, how they repeat themselves, and what the
full state makes of them.

Story number i is drawn from a stream of random numbers that the seed and i alone decide. So two versions write the same
story until something has left the state of one of them, but for rounding (decoding/writing.py), and what they write can
be compared pair by pair. A story that ended before that is `untouched`: it is the same under the full state. The paper
drops such pairs from its comparison.

The paper gives neither temperature nor top-p, nor the number of tokens at which a story is cut.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from reattend.evaluation.base import ANEW, Task
from reattend.evaluation.predictions import file_of
from reattend.evaluation.storytelling.prompts import read_prompts
from reattend.evaluation.under_policy import check_keys, in_words, named, policy_of
from reattend.evaluation.unfinished import forget
from reattend.jobs import once
from reattend.records import StoriesRecord
from reattend.settings import SettingError, at_least


class Stories(Task):
    def __init__(
        self,
        *,
        count: int,
        prompt: str,
        prompts: str | None = None,
        prompt_words: int | None = None,
        chat: bool = False,
        bos: Literal["auto"] | bool = "auto",
        temperature: float,
        top_p: float,
        longest: int | None = None,
        beyond_context: bool = False,
        batch_size: int = 1,
    ) -> None:
        at_least("task.count", count, 1)
        at_least("task.batch_size", batch_size, 1)
        at_least("task.temperature", temperature, 0)
        at_least("task.prompt_words", prompt_words, 1)
        at_least("task.longest", longest, 1)
        if not 0 < top_p <= 1:
            raise SettingError("task.top_p", top_p, "above 0 and at most 1", "Set task.top_p=1 to leave out no token.")
        if not prompt.strip():
            raise SettingError("task.prompt", '""', "a text", "Give task.prompt some text.")
        self.count, self.prompt, self.file, self.prompt_words = count, prompt, prompts, prompt_words
        self.chat, self.bos, self.temperature, self.top_p = chat, bos, temperature, top_p
        self.longest, self.beyond_context, self.batch_size = longest, beyond_context, batch_size

    def run(self, config: Mapping[str, Any]) -> str:
        check_keys(config)

        def work(name: str, folder: Path) -> StoriesRecord:  # imports torch, which a finished one does without
            policy = policy_of(config)  # a mistake is told before anything is loaded
            from reattend.evaluation.storytelling.run import tell

            return tell(self, config, policy, name=name, folder=folder)

        prompts, source = self.prompts()  # a mistake in their file too
        if self.temperature == 0 and self.count > len(prompts):
            expected = f"at most {len(prompts)}, one for each prompt, as without a temperature others would be the same"
            raise SettingError("task.count", self.count, expected, "Lower task.count, or raise task.temperature.")
        record = once(config, StoriesRecord, work, keeps="unfinished", clean=forget)
        if record.prompts["sha256"] != checksum(prompts):
            expected = f"the prompts of the record {record.name}; these are others"
            raise SettingError("task.prompts", source, expected, ANEW)
        path = file_of(Path(str(config["results_dir"])), record.name)
        if not path.is_file():
            expected = f"the stories of the record {record.name} in {path}"
            raise SettingError("results_dir", config["results_dir"], expected, ANEW)
        return f"{summary(record)}\n  stories: {path}"

    def prompts(self) -> tuple[list[str], str]:
        """The prompts, and where they come from."""
        found = [self.prompt] if self.file is None else read_prompts(self.file)
        if self.prompt_words is not None:
            found = [" ".join(prompt.split()[: self.prompt_words]) for prompt in found]
        return found, "task.prompt" if self.file is None else Path(self.file).name

    def length(self, prompt: int, context: int | None) -> int:
        """How many tokens a story may have at most after a prompt of so many."""
        room = None if context is None else context - prompt
        if self.longest is None and room is None:
            expected = "a number, as nothing says how many positions this model was made for"
            raise SettingError("task.longest", "null", expected, "Set task.longest.")
        if room is not None and (self.longest or 1) > room and not (self.beyond_context and self.longest):
            expected = (
                f"at most {max(room, 0)}, as the model was made for {context} positions and a prompt has {prompt}"
            )
            fix = "Lower it, or set task.beyond_context=true to write on all the same."
            raise SettingError("task.longest", self.longest or "null", expected, fix)
        length = self.longest or room
        assert length is not None
        return length


def checksum(prompts: list[str]) -> str:
    """What tells these prompts from any others."""
    return hashlib.sha256(json.dumps(prompts).encode()).hexdigest()


def summary(record: StoriesRecord) -> str:
    """A few lines on a record."""
    stories = record.stories
    ended, untouched = (sum(bool(story[key]) for story in stories) for key in ("ended", "untouched"))
    means = ", ".join(f"{key} {record.metrics[key].value:.3g}" for key in SHOWN if key in record.metrics)
    return "\n".join(
        [
            named(record),
            f"  {len(stories)} stories, {ended} ended by the model, {untouched} before anything had left the state",
            f"  mean of a story: {means}",
            f"  {record.timing['tokens_per_second']:,.1f} tokens/s; {in_words(record.state)} of a story",
        ]
    )


SHOWN = ("tokens", "words", "distinct_1", "distinct_2", "repeated_4", "longest_repeat", "full_nats_per_token")
