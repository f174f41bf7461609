"""Prompts out of a file: a JSON list of texts, an object that holds one such list, or JSON lines.

A JSON line is a text or an object with the key `prompt`.
"""

import json
from pathlib import Path
from typing import Any

from reattend.data.packed import DAMAGE, unpacked
from reattend.settings import SettingError

SETTING = "task.prompts"


def read_prompts(file: str) -> list[str]:
    """At least one, none of them empty."""
    path = Path(file).expanduser()
    if not path.is_file():
        raise SettingError(SETTING, file, "an existing file", f"Correct {SETTING}.")
    try:
        with unpacked(path) as whole:
            text = whole.read().decode()
    except DAMAGE as error:
        raise SettingError(SETTING, file, f"a whole {path.suffix} file ({error})", "Fetch or pack it anew.") from None
    except UnicodeDecodeError as error:
        raise SettingError(SETTING, file, f"UTF-8 ({error})", "Convert the file.") from None
    prompts = [prompt if isinstance(prompt, str) else _of_object(file, prompt) for prompt in _entries(file, text)]
    if not prompts or not all(prompt.strip() for prompt in prompts):
        raise SettingError(SETTING, file, "at least one prompt, and none without text", "Correct the file.")
    return prompts


def _entries(file: str, text: str) -> list[Any]:
    try:
        whole = json.loads(text)
    except ValueError:
        return [_line(file, number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if isinstance(whole, dict) and "prompt" not in whole:
        lists = [value for value in whole.values() if isinstance(value, list)]
        if len(lists) != 1:
            expected = f"an object that holds one list of prompts, not {len(lists)}"
            raise SettingError(SETTING, file, expected, "Take the list out.")
        return lists[0]
    return whole if isinstance(whole, list) else [whole]


def _line(file: str, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        expected = f"JSON, whole or a line each; line {number} is none ({error})"
        raise SettingError(SETTING, file, expected, "Correct the file.") from None


def _of_object(file: str, entry: Any) -> str:
    prompt = entry.get("prompt") if isinstance(entry, dict) else None
    if not isinstance(prompt, str):
        expected = f"texts, or objects with a text under 'prompt'; one is {json.dumps(entry)[:60]}"
        raise SettingError(SETTING, file, expected, "Correct the file.")
    return prompt
