"""The three prompts of these tests, and the texts beside a record."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from reattend.records import StoriesRecord

Tell = Callable[..., StoriesRecord]
PROMPTS = ["The quick brown fox", "Zwölf Boxkämpfer jagen Viktor quer über den großen Deich.", "x"]
LONGEST = 24


def texts(record: StoriesRecord, tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "r" / "predictions" / record.predictions["name"]
    assert sha256(path.read_bytes()).hexdigest() == record.predictions["sha256"]
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
