"""The suite of beam search at a small size: both sides write the same, all steps are done."""

import sys

import pytest
from composed import compose

from reattend.bench import build_suite
from reattend.bench.beam_search import BeamSearch
from reattend.settings import SettingError

SMALL = (
    "suite=beam_search",
    "suite.device=cpu",
    "suite.rounds=1",
    "suite.sentences=5",
    "suite.batch_size=2",
    "suite.source_length=6",
    "suite.target_length=7",
    "suite.beam=3",
    "suite.vocabulary=40",
    "suite.width=16",
    "suite.layers=2",
    "suite.heads=2",
    "suite.feed_forward=24",
)


def suite(*overrides: str) -> BeamSearch:
    built = build_suite(compose("bench", *SMALL, *overrides)["suite"])
    assert isinstance(built, BeamSearch)
    return built


def test_both_sides_write_the_same_and_to_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    built = suite()
    found = built.run()
    assert found["sentences_per_second_ratio"] > 0 and found["mechanism_time_ratio"] > 0
    assert found["equal_hypotheses"] == 1
    assert built.written.keys() == {"transformers", "reattend", "dagpam"}
    for lines in built.written.values():
        assert len(lines) == 5 and {len(line) for line in lines} == {7}
    assert built.written["dagpam"] != built.written["reattend"]
    assert (found["mechanism"], found["beam"], found["sentences"], found["rounds"]) == ("dagpam", 3, 5, 1)
    assert "equal best hypotheses" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("suite.sentences=0", "suite.sentences=0: expected at least 1"),
        ("suite.batch_size=0", "suite.batch_size=0: expected at least 1"),
        ("suite.beam=1", "suite.beam=1: expected at least 2"),
        ("suite.target_length=1", "suite.target_length=1: expected at least 2"),
        ("suite.vocabulary=4", "suite.vocabulary=4: expected at least 5"),
        ("suite.rounds=0", "suite.rounds=0: expected at least 1"),
        ("+suite.length=3", "suite.length=3: expected a known option"),
    ],
)
def test_a_bad_setting_is_named(override: str, message: str) -> None:
    with pytest.raises(SettingError) as refused:
        suite(override)
    assert message in str(refused.value)


def test_without_transformers_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    built = suite()
    monkeypatch.setitem(sys.modules, "transformers", None)  # as if it were not there
    with pytest.raises(SettingError, match=r"suite=beam_search: expected transformers to be installed"):
        built.run()
