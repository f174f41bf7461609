"""The texts of stories, a JSON line each: beside a record, or in a file of anybody's that has the same keys."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

from reattend.data.store import digest
from reattend.evaluation.predictions import file_of
from reattend.records import StoriesRecord, read_record
from reattend.records.stories import Side
from reattend.settings import SettingError


@dataclass(frozen=True, kw_only=True)
class Told:
    """A story as it is kept."""

    number: int
    prompt: str
    text: str
    ended: bool = True
    untouched: bool = False


def read_side(setting: str, given: str, results: Path) -> tuple[dict[int, Told], Side]:
    """The stories by number that a record's name or a file stands for."""
    path = Path(given).expanduser()
    if path.suffix == ".jsonl":
        if not path.is_file():
            raise SettingError(setting, given, "an existing file of stories", f"Correct {setting}.")
        return _read(setting, path), {"name": path.stem, "sha256": digest(path), "config": {}}
    place = results / "runs" / f"{given}.json"
    if not place.is_file():
        expected = f"the name of a record in {results / 'runs'}, or a file of stories that ends in .jsonl"
        raise SettingError(setting, given, expected, "Write stories by task=stories, or correct the name.")
    record, path = read_record(place), file_of(results, given)
    if not isinstance(record, StoriesRecord):
        raise SettingError(setting, given, "a record of task=stories", "Name another.")
    if not path.is_file() or digest(path) != record.predictions["sha256"]:
        expected = f"a record whose stories lie unchanged in {path}"
        raise SettingError(setting, given, expected, "Restore the file, or write the stories anew with force=true.")
    return _read(setting, path), {"name": given, "sha256": digest(path), "config": record.config}


def _read(setting: str, path: Path) -> dict[int, Told]:
    stories: dict[int, Told] = {}
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            story = _story(json.loads(line))
        except (ValueError, TypeError) as error:
            expected = f"a JSON object with number, prompt and text in each line; line {number} is none ({error})"
            raise SettingError(setting, path, expected, "Correct the file.") from None
        if story.number in stories:
            expected = f"each story once; line {number} has number {story.number} again"
            raise SettingError(setting, path, expected, "Correct the file.")
        stories[story.number] = story
    if not stories:
        raise SettingError(setting, path, "at least one story", "Choose another file.")
    return stories


def _story(values: Mapping[str, Any]) -> Told:
    hints = get_type_hints(Told)
    known = {key: values[key] for key in hints if key in values}
    for key, value in known.items():
        if type(value) is not hints[key]:
            raise TypeError(f"{key} is no {hints[key].__name__}")
    return Told(**known)
