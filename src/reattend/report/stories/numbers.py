"""Records of stories and judgements become the numbers of a table, or a refusal where they cannot be compared."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reattend.records.record import RecordError
from reattend.records.stories import JudgementRecord, StoriesRecord, Story
from reattend.report.comparable import refuse_to_mix, weights
from reattend.report.estimates import Compared, compare
from reattend.report.proportions import exact_interval, sign_test
from reattend.report.sizes.rows import find_lines, not_named, split, topline_of
from reattend.report.stories.specification import StoriesSpec

Of = Callable[[Story], float | None]


@dataclass(frozen=True)
class Measure:
    """One number of each story."""

    name: str
    title: str
    of: Of
    decimals: int
    log: bool = False  # the exponential of its mean is shown, and its differences are ratios


def _nats(story: Story) -> float | None:
    return story["full_nats"] / story["tokens"] if story["tokens"] else None


MEASURES = (
    Measure("tokens", "tokens", lambda story: story["tokens"], 0),
    Measure("words", "words", lambda story: story["words"], 0),
    Measure("distinct_1", "distinct-1", lambda story: story["distinct_1"], 3),
    Measure("distinct_2", "distinct-2", lambda story: story["distinct_2"], 3),
    Measure("repeated_4", "repeated 4-grams", lambda story: story["repeated_4"], 3),
    Measure("longest_repeat", "longest repeat", lambda story: story["longest_repeat"], 1),
    Measure("perplexity", "perplexity", _nats, 2, log=True),
)


@dataclass(frozen=True)
class Version:
    """One policy and size."""

    label: str
    record: StoriesRecord
    topline: StoriesRecord | None  # None for that itself, or without one

    def compared(self, measure: Measure) -> Compared:
        """A measure of its stories, and the difference to the topline's stories of the same numbers."""
        others = {story["number"]: story for story in self.topline.stories} if self.topline else {}
        pairs = [(story, others[story["number"]]) for story in self.record.stories if others]
        return compare(self.record.stories, pairs, measure.of)

    def count(self, key: str) -> int:
        """Of how many stories something is true."""
        return sum(bool(story[key]) for story in self.record.stories)  # type: ignore[literal-required]

    @property
    def bounded(self) -> bool:
        """Whether anything can leave the state."""
        return "size" in self.record.config["policy"]

    @property
    def equal(self) -> int | None:
        """How many of the untouched stories are the topline's to the letter; None without a topline."""
        if self.topline is None:
            return None
        texts = {story["number"]: story["sha256"] for story in self.topline.stories}
        return sum(texts[story["number"]] == story["sha256"] for story in self.record.stories if story["untouched"])


@dataclass(frozen=True)
class Judged:
    """Comparisons of one version with another."""

    first: str
    second: str
    record: JudgementRecord

    def count(self, *verdicts: str) -> int:
        return sum(one["verdict"] in verdicts for one in self.record.comparisons)

    @property
    def won(self) -> int:
        return self.count("first")

    @property
    def tied(self) -> int:
        return self.count("tie")

    @property
    def lost(self) -> int:
        return self.count("second")

    @property
    def counted(self) -> int:
        """Comparisons that are not missing."""
        return self.count("first", "tie", "second")

    @property
    def lead(self) -> tuple[float, tuple[float, float]] | None:
        """(won - lost) / (won + lost), from -1 to 1, with its exact interval; None where all are ties."""
        decided = self.won + self.lost
        if not decided:
            return None
        low, high = exact_interval(self.won, decided)
        return (self.won - self.lost) / decided, (2 * low - 1, 2 * high - 1)

    @property
    def p(self) -> float:
        return sign_test(self.won, self.lost)

    @property
    def by_place(self) -> tuple[int, int]:
        """Pairs of which a place won and no text: the one shown first, or second, in both orders."""
        picks = [one["picks"] for one in self.record.comparisons]
        return picks.count(["A", "A"]), picks.count(["B", "B"])


@dataclass(frozen=True)
class Block:
    """Versions that had the same model, prompts and random numbers."""

    label: str
    versions: list[Version]
    judged: list[Judged]
    not_named: list[str]


@dataclass(frozen=True)
class Table:
    """A table's numbers."""

    spec: StoriesSpec
    blocks: list[Block]

    @property
    def records(self) -> list[StoriesRecord]:
        return [version.record for block in self.blocks for version in block.versions]


def build_table(spec: StoriesSpec, records: Sequence[StoriesRecord | JudgementRecord]) -> Table:
    """The table over `records`."""
    stories = [record for record in records if isinstance(record, StoriesRecord)]
    judgements = [record for record in records if isinstance(record, JudgementRecord)]
    if not stories:
        problem = f"its stories are gone, so that the table {spec.name} cannot say what was compared"
        raise RecordError(judgements[0].name, problem, "Restore their records, or delete this one")
    blocks = [_block(spec, label, members, judgements) for label, members in split(spec, stories).items()]
    return Table(spec, blocks)


def _block(spec: StoriesSpec, label: str, members: list[StoriesRecord], judgements: Sequence[JudgementRecord]) -> Block:
    aspects: dict[str, Callable[[StoriesRecord], object]] = {
        "model": weights,
        "prompts": lambda record: record.prompts["sha256"],
        "seed": lambda record: record.seed,
        "stories": lambda record: [story["number"] for story in record.stories],
    }
    remedy = "write one of them anew with another results_dir or delete its file"
    refuse_to_mix(members, aspects, table=spec.name, remedy=remedy)
    lines = find_lines(spec, members)
    versions = [
        Version(f"{line.label} {size or ''}".rstrip(), record, None if record is top else top)
        for line, top in ((line, topline_of(spec, line, lines)) for line in lines)
        for size, record in line.sizes.items()
    ]
    labels = {(one.record.name, one.record.predictions["sha256"]): one.label for one in versions}
    return Block(label, versions, _judged(labels, judgements), not_named(lines))


def _judged(labels: Mapping[tuple[str, str], str], judgements: Sequence[JudgementRecord]) -> list[Judged]:
    """Those of two of these versions, in the order of the versions."""
    found = []
    for record in judgements:
        sides = (record.sides["first"], record.sides["second"])
        first, second = (labels.get((side["name"], side["sha256"])) for side in sides)
        if first is not None and second is not None:
            found.append(Judged(first, second, record))
    places = [*labels.values()]
    return sorted(found, key=lambda one: (places.index(one.first), places.index(one.second), one.record.name))
