"""What every parallel corpus offers: plain sentence pairs in three splits, a pipeline, numbers and batches.

Importing this module imports neither torch nor the linguistics, so that commands start at once.
"""

import hashlib
import json
import re
from abc import abstractmethod
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reattend.data.base import Data
from reattend.data.parallel.recipe import Recipe
from reattend.data.parallel.splitting import Pairs, lines_of
from reattend.data.store import home
from reattend.settings import SettingError, at_least

if TYPE_CHECKING:
    from reattend.data.parallel.batches import Numbers, TranslationEvaluationBatches, TranslationTrainingBatches
    from reattend.data.parallel.facts import PairFacts
    from reattend.data.parallel.pipeline import Pipeline

FORMAT = 1  # of a prepared folder: raise it when the same options are prepared otherwise


class ParallelCorpus(Data):
    """Sentences of two languages that mean the same; an option is one module of `reattend.data`."""

    unit = "token"
    languages: tuple[str, ...] = ()  # that it has; none: whatever `direction` says

    def __init__(
        self,
        *,
        direction: str,
        merges: int,
        joined: bool,
        lowercase: bool,
        max_length: int,
        too_long: Literal["drop", "keep"],
        max_tokens: int,
        valid_limit: int | None,
        ratio: float | None = None,
        split_hyphens: bool = False,
    ) -> None:
        """`valid_limit`: how many pairs the validations *during* training translate and score; None takes all."""
        self._check_direction(direction)
        at_least("data.merges", merges, 0)
        at_least("data.max_length", max_length, 1)
        at_least("data.max_tokens", max_tokens, 1)
        at_least("data.valid_limit", valid_limit, 1)
        at_least("data.ratio", ratio, 1)
        self.recipe = Recipe(
            direction=direction,
            merges=merges,
            joined=joined,
            lowercase=lowercase,
            max_length=max_length,
            too_long=too_long,
            ratio=ratio,
            split_hyphens=split_hyphens,
        )
        self.max_tokens, self.valid_limit = max_tokens, valid_limit

    def _check_direction(self, direction: str) -> None:
        known = [f"{one}-{other}" for one in self.languages for other in self.languages if one != other]
        if not re.fullmatch(r"[a-z]{2,3}-[a-z]{2,3}", direction) or (known and direction not in known):
            expected = f"one of {', '.join(known)}" if known else "two language codes, such as de-en"
            raise SettingError("data.direction", direction, expected, "Set data.direction to source-target.")
        if len(set(direction.split("-"))) == 1:
            raise SettingError("data.direction", direction, "two languages", "Set data.direction to source-target.")

    @property
    def direction(self) -> str:
        return self.recipe.direction

    @abstractmethod
    def raw(self) -> dict[str, Pairs]:
        """The plain sentences of "train", "valid" and "test", in this direction."""

    @abstractmethod
    def fingerprint(self) -> str:
        """What tells the source from any other version of it, such as a checksum; quick."""

    def verify(self, folder: Path, pipeline: "Pipeline") -> None:
        """Refuse a prepared folder that is not as published; nothing is published of most corpora."""

    def published(self) -> "PairFacts | None":
        """What others report of it; None where it has to be prepared to know."""
        return None

    def prepare(self) -> Path:
        return self._folder

    @cached_property
    def _folder(self) -> Path:
        from reattend.data.parallel.prepared import Preparation

        options = [FORMAT, self.name, self.fingerprint(), asdict(self.recipe)]
        key = hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:12]
        folder = home() / "parallel" / f"{self.name}-{self.direction}-{key}"
        Preparation(folder, self.recipe).run(self.raw, self.verify)
        return folder

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Counts and checksums of what was prepared."""
        found: dict[str, Any] = json.loads((self.prepare() / "manifest.json").read_text(encoding="utf-8"))
        return found

    @cached_property
    def pipeline(self) -> "Pipeline":
        """What turns new text into numbers and back."""
        from reattend.data.parallel.pipeline import Pipeline

        return Pipeline.from_plain(json.loads((self.prepare() / "pipeline.json").read_text(encoding="utf-8")))

    @property
    def vocabulary(self) -> tuple[int, int]:
        """How many symbols each side has."""
        return len(self.pipeline.source.symbols), len(self.pipeline.target.symbols)

    @cached_property
    def context(self) -> int:
        """The positions that a model needs: of the longest sentence and EOS."""
        longest = max(int(self._numbers("train", side).lengths.max()) for side in ("source", "target"))
        return max(self.recipe.max_length + 1, longest)

    def plain(self, split: str) -> Pairs:
        """The sentences of a split as people write them, those that were kept."""
        kept = np.load(self.prepare() / f"kept.{split}.npy")
        pairs = Pairs(*(lines_of(self.prepare() / f"plain.{split}.{code}") for code in self.recipe.languages))
        return pairs.take(kept.tolist())

    def _numbers(self, split: str, side: str) -> "Numbers":
        from reattend.data.parallel.batches import Numbers

        ids, starts = (
            np.load(self.prepare() / f"numbers.{split}.{side}.{what}.npy", mmap_mode="r") for what in ("ids", "starts")
        )
        return Numbers(ids, np.asarray(starts))

    def training_batches(self, *, seed: int, accumulate: int = 1) -> "TranslationTrainingBatches":
        """The train split in an order that depends on the seed and the epoch alone, in whole steps of `accumulate`."""
        from reattend.data.parallel.batches import TranslationTrainingBatches

        sides = self._numbers("train", "source"), self._numbers("train", "target")
        return TranslationTrainingBatches(*sides, max_tokens=self.max_tokens, seed=seed, accumulate=accumulate)

    def evaluation_batches(self, split: str, *, limit: int | None = None) -> "TranslationEvaluationBatches":
        """A split sorted by length, each pair once; `limit` keeps so many evenly spread pairs."""
        from reattend.data.parallel.batches import TranslationEvaluationBatches

        sides = self._numbers(split, "source"), self._numbers(split, "target")
        return TranslationEvaluationBatches(*sides, max_tokens=self.max_tokens, limit=limit)

    def sentences(self, split: str, *, limit: int | None = None) -> tuple[list[list[int]], list[str]]:
        """Source numbers and plain references of a split, or of `limit` evenly spread pairs of it."""
        chosen = self.evaluation_batches(split, limit=limit).indices.tolist()
        numbers, references = self._numbers(split, "source"), self.plain(split).target
        return [numbers[i].tolist() for i in chosen], [references[i] for i in chosen]

    def identity(self) -> dict[str, Any]:
        """What the record keeps to tell this corpus from any other."""
        splits = {
            split: {"tokens": found["target_tokens"], "sha256": found["target_sha256"], **found}
            for split, found in self.manifest["splits"].items()
        }
        whole = json.dumps([self.manifest["pipeline"], splits], sort_keys=True)
        return {
            "name": self.name,
            "unit": self.unit,
            "source": self.source,
            "licence": self.licence,
            "sha256": hashlib.sha256(whole.encode()).hexdigest(),
            "direction": self.direction,
            "pipeline": self.manifest["pipeline"],
            "splits": splits,
        }

    def describe(self) -> str:
        vocabulary = " and ".join(f"{size:,}" for size in dict.fromkeys(self.vocabulary))
        lines = [*self.heading(), f"  direction {self.direction}, {self.recipe.merges:,} merges, {vocabulary} symbols"]
        for split, found in self.manifest["splits"].items():
            dropped = ", ".join(f"{count:,} {reason}" for reason, count in found["dropped"].items() if count)
            tokens = f"{found['source_tokens']:,} and {found['target_tokens']:,} tokens"
            lines.append(f"  {split:<8} {found['pairs']:,} pairs, {tokens}" + f"; dropped: {dropped}" * bool(dropped))
        return "\n".join(lines)
