"""The suite of the adaptive softmax end to end at the smallest sizes, and what it refuses."""

import pytest
from composed import compose

from reattend.bench import build_suite
from reattend.settings import SettingError

TINY = ("suite.device=cpu", "suite.rounds=2", "suite.widths=[16,32]", "suite.tokens=64")


@pytest.mark.parametrize("layers", [0, 1])
def test_a_large_vocabulary_in_bands_takes_less_time(layers: int, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ("suite.vocabulary=20000", "suite.cutoffs=[500,2000]", f"suite.layers={layers}")
    found = build_suite(compose("bench", "suite=adaptive_softmax", *TINY, *chosen)["suite"]).run()
    for key in ("step_time_ratio", "step_time_ratio_without_optimizer"):
        assert found[key].keys() == {"16", "32"} and min(found[key].values()) > 1
    assert (found["suite"], found["vocabulary"], found["cutoffs"]) == ("adaptive_softmax", 20000, [500, 2000])
    told = capsys.readouterr().out
    blocks = layers * (12 * 16 * 16 + 13 * 16)
    full = 20000 * 16 + 2 * 16 + blocks
    bands = 502 * 16 + 1500 * 4 + 18000 * 1 + 16 * (4 + 1) + 2 * 16 + blocks
    assert f" {full:,} " in told and f" {bands:,} " in told


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("suite.widths=[]", r"suite\.widths=\[\]: expected at least one width"),
        ("suite.tokens=0", r"suite\.tokens=0: expected at least 1"),
        ("suite.layers=-1", r"suite\.layers=-1: expected at least 0"),
        ("suite.cutoffs=null", r"suite\.cutoffs=None: expected a list"),
    ],
)
def test_a_bad_setting_is_named(override: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        build_suite(compose("bench", "suite=adaptive_softmax", override)["suite"])
