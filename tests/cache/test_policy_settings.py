"""A policy's settings: a value that cannot be meant is one message that names setting, value and what was expected."""

import pytest
from one_layer import BOUNDED, RANKED, policy

from reattend.cache import build_policy
from reattend.settings import SettingError


def refused(config):
    with pytest.raises(SettingError) as error:
        build_policy(config)
    return str(error.value)


@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "at least 1"),
        (-1, "at least 1"),
        (2.5, "a whole number"),
        ("x", "a whole number"),
        (True, "a whole number"),
        (None, "a whole number"),
    ],
)
def test_a_size_is_a_whole_number_of_at_least_one(name, size, expected):
    changes = {"recent": 0} if name == "h2o" else {}
    assert refused(policy(name, size=size, first=0, **changes)).startswith(f"policy.size={size}: expected {expected}.")


@pytest.mark.parametrize("name", BOUNDED)
def test_a_size_must_be_given(name):
    config = {key: value for key, value in policy(name).items() if key != "size"}
    assert refused(config) == "policy.size=???: expected a value. Add policy.size=..."


@pytest.mark.parametrize("name", ["window_sinks", "tova", "random", "decayed_sum"])
@pytest.mark.parametrize("first", [8, 9, -1])
def test_one_entry_at_least_is_not_protected(name, first):
    expected = f"policy.first={first}: expected from 0 to 7, less than policy.size=8. Lower policy.first or raise"
    assert refused(policy(name, size=8, first=first)).startswith(expected)


@pytest.mark.parametrize("name", ["tova", "random", "decayed_sum"])
@pytest.mark.parametrize("recent", [7, -1])
def test_first_and_recent_fit_into_the_size(name, recent):
    expected = f"policy.recent={recent}: expected from 0 to 6, which is policy.size - policy.first. Lower policy.recent"
    assert refused(policy(name, size=8, first=2, recent=recent)).startswith(expected)
    build_policy(policy(name, size=8, first=2, recent=6))


@pytest.mark.parametrize(
    ("recent", "heavy"), [(4, 5), (4, 3), (0, 0), (9, -1), (-1, 9), (9, None), (None, 9), (-1, None)]
)
def test_h2os_two_parts_add_up_to_its_size(recent, heavy):
    message = refused(policy("h2o", size=8, recent=recent, heavy=heavy))
    assert message.startswith("policy.recent+policy.heavy=")
    assert "expected two numbers that add up to policy.size=8. Set one of them to null." in message
    for value in (recent, heavy):
        assert value is None or str(value) in message.partition(":")[0]


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("decayed_sum", {"decay": 1.5}, "policy.decay=1.5: expected from 0 (TOVA) to 1 (H2O)."),
        ("decayed_sum", {"decay": -0.1}, "policy.decay=-0.1: expected from 0 (TOVA) to 1 (H2O)."),
        ("decayed_sum", {"decay": float("nan")}, "policy.decay=nan: expected a finite number."),
        ("random", {"draw": -1}, "policy.draw=-1: expected a number from 0 to below 2147483648."),
        ("random", {"draw": 2**31}, "policy.draw=2147483648: expected a number from 0 to below 2147483648."),
        ("window", {"prefill": "cut"}, "policy.prefill=cut: expected one of exact, trim."),
        ("h2o", {"recent": 1.5}, "policy.recent=1.5: expected a whole number or null."),
    ],
)
def test_a_value_out_of_range_is_named(name, changes, message):
    assert refused(policy(name, **changes)).startswith(message)


@pytest.mark.parametrize("name", RANKED)
def test_a_scope_is_a_layer_or_a_head(name):
    assert refused(policy(name, scope="model")).startswith("policy.scope=model: expected one of layer, head.")


@pytest.mark.parametrize("name", [name for name in RANKED if "rank_by" in policy(name)])
def test_what_ranks_has_three_choices(name):
    message = "policy.rank_by=negative: expected one of absolute, positive, sum."
    assert refused(policy(name, rank_by="negative")).startswith(message)


def test_an_unknown_option_or_policy_is_told_the_known_ones():
    unknown = refused(policy("window") | {"sinks": 4})
    assert unknown == "policy.sinks=4: expected a known option (size, prefill). Remove policy.sinks."
    names = refused({"name": "winow", "size": 4})
    assert names.startswith("policy=winow: expected one of ")
    for name in ("full", *BOUNDED):
        assert f" {name}," in names or f" {name}." in names
    for helper in ("engine", "base", "scan", "by_rank", "by_position"):
        assert f" {helper}" not in names
