"""Tables of the suite `throughput`: a grid a record, the paper's beside it, bars."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from described import tables
from made_up import MEMORY, WHEN, common
from PIL import Image

from reattend.records import BenchRecord
from reattend.report import TableSpec, parse_spec
from reattend.settings import SettingError


def record(name: str = "throughput_1", *, history: int = 4096) -> BenchRecord:
    sides: list[dict[str, Any]] = [
        {"name": "tova", "size": 256, "batch": 65, "over_full": 8.125, "over_full_range": [7.5, 9.0]},
        {"name": "transformers static", "size": None, "batch": 4, "over_full": 0.9, "over_full_range": [0.8, 1.0]},
    ]
    more = {"kv_bytes": 3 * 2**20, "milliseconds_of_one": 51.25, "one_over_full": 0.5, "tokens_per_second": 123.45}
    result = {
        "suite": "throughput",
        "sides": [side | more for side in sides],
        "history": history,
        "budget_mib": 768,
        "lm": "SmolLM2",
        "dtype": "float32",
        "device": "cpu",
        "steps": 4,
        "rounds": 5,
    }
    return BenchRecord(
        **common({"suite": {"name": "throughput"}}, name=name),
        metrics={},
        memory=MEMORY,
        suite="throughput",
        result=result,
        timing=WHEN,
    )


@pytest.fixture
def spec() -> TableSpec:
    return tables()["throughput"]


def test_the_table(spec: TableSpec) -> None:
    assert spec.wants(record())
    text = spec.lay_out([record(), record("throughput_2", history=8192)]).markdown
    assert "SmolLM2, float32, 4,096 tokens of history, 768 MiB of keys and values:" in text
    assert "SmolLM2, float32, 8,192 tokens of history" in text
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    assert lines[2] == ["tova", "256", "3.00", "65", "51.2", "123.5", "× 8.12", "7.50 to 9.00"]
    assert lines[3][:2] == ["transformers static", "all"]
    assert "largest batch" in text and "139" in text and "arXiv 2401.06104v2, Table 1" in text
    assert "of 5 rounds" in text and "Run: Imaginary CPU, 2 CPU threads; commit 0123456789." in text


def test_the_same_for_programs_and_as_a_picture(spec: TableSpec, tmp_path: Path) -> None:
    table = spec.lay_out([record()])
    (tova, static) = csv.DictReader(io.StringIO(table.comma_separated))
    assert (tova["cache"], tova["size"], tova["over_full"]) == ("tova", "256", "8.125")
    assert static["size"] == "" and static["kv_bytes"] == str(3 * 2**20)
    table.draw(tmp_path / "one.png")
    table.draw(tmp_path / "two.png")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with Image.open(tmp_path / "one.png") as image:
        assert image.width > 800


def test_a_published_column_has_a_number_for_each_size() -> None:
    values = {"name": "t", "layout": "throughput", "title": "T", "select": {}}
    short = {"model": "m", "task": "t", "source": "s", "sizes": [1, 2], "columns": {"batch": [3]}}
    with pytest.raises(SettingError, match=r"published\.columns\.batch=\[3\.?0?\]: expected 2 numbers"):
        parse_spec(values | {"published": [short]})
