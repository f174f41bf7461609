"""The hash of a configuration changes when a result could, and only then."""

import copy
from typing import Any

import pytest
from composed import compose
from hypothesis import given
from hypothesis import strategies as st
from tiny import CONF

from reattend.records import Record, config_hash, dotted, read_records, run_name
from reattend.records.identity import CANNOT_CHANGE_A_RESULT
from reattend.settings import SettingError

KEYS = st.text("abcdefgh", min_size=1, max_size=3)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("abé1", max_size=4)
CONFIGS = st.dictionaries(
    KEYS,
    st.recursive(LEAVES, lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=8),
    max_size=5,
)


def turned(config: dict[str, Any]) -> dict[str, Any]:
    """The same configuration with every level's keys in the opposite order."""
    return {k: turned(v) if isinstance(v, dict) else v for k, v in reversed(config.items())}


@given(CONFIGS)
def test_order_of_keys_does_not_matter(config: dict[str, Any]) -> None:
    assert config_hash(turned(config)) == config_hash(config)


@given(CONFIGS, st.sampled_from(CANNOT_CHANGE_A_RESULT), LEAVES)
def test_keys_that_cannot_change_a_result_do_not_matter(config: dict[str, Any], key: str, value: Any) -> None:
    group, _, inner = key.partition(".")
    changed = {**config, group: {inner: value} if inner else value}
    assert config_hash(changed) == config_hash(config)


@given(CONFIGS.filter(dotted), st.data())
def test_any_other_value_matters(config: dict[str, Any], data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(dotted(config))))
    *groups, last = key.split(".")
    changed = copy.deepcopy(config)
    part = changed
    for group in groups:
        part = part[group]
    part[last] = [part[last]]  # no leaf is a list
    assert config_hash(changed) != config_hash(config)


def test_keys_beside_the_ignored_ones_matter() -> None:
    base = {"trainer": {"max_steps": 1, "progress": True}, "names": 1}
    assert config_hash(base) != config_hash({**base, "names": 2})
    assert config_hash(base) != config_hash({**base, "trainer": {"max_steps": 2, "progress": True}})


def test_a_number_is_the_same_with_and_without_a_point() -> None:
    assert config_hash({"lambda_init": 1}) == config_hash({"lambda_init": 1.0})
    assert config_hash({"lambda_init": 1}) != config_hash({"lambda_init": True})
    assert config_hash({"lambda_init": 1}) != config_hash({"lambda_init": "1"})


def config(**changes: Any) -> dict[str, Any]:
    names = {group: {"name": f"a_{group}"} for group in ("data", "attention", "model")}
    return {"experiment": "default", "name": None, "seed": 2, **names, **changes}


def test_run_name_says_what_the_run_is() -> None:
    name = run_name(config())
    assert name == f"default_a_data_a_attention_a_model_seed2_{config_hash(config())[:8]}"
    assert run_name(config(optimizer={"lr": 1})) != name
    assert run_name(config(name="mine")) == "mine"


def evaluation(**policy: Any) -> dict[str, Any]:
    groups = {"data": {"name": "pg19"}, "lm": {"name": "smollm2"}, "policy": policy}
    return {"experiment": "tova_pg19", "name": None, "seed": 1, "progress": True, **groups}


def test_run_name_of_an_evaluation_says_the_policy_and_its_size() -> None:
    tova, full = evaluation(name="tova", size=256), evaluation(name="full")
    assert run_name(tova) == f"tova_pg19_pg19_smollm2_tova256_{config_hash(tova)[:8]}"
    assert run_name(full) == f"tova_pg19_pg19_smollm2_full_{config_hash(full)[:8]}"
    assert run_name({**tova, "progress": False}) == run_name(tova)
    assert run_name({**tova, "seed": 2}) != run_name(tova)
    with pytest.raises(SettingError, match=r"^policy\.size=2/3:"):
        run_name(evaluation(name="tova", size="2/3"))


def test_run_name_of_a_translation_says_what_was_translated() -> None:
    values = {
        "experiment": "translation",
        "name": None,
        "seed": 1,
        "data": {"name": "lines"},
        "beam": 5,
        "output": None,
    }
    assert run_name(values) == f"translation_lines_{config_hash(values)[:8]}"
    assert run_name({**values, "output": "a.txt"}) == run_name(values) != run_name({**values, "beam": 4})


@pytest.mark.parametrize(
    ("setting", "value"), [("name", "../up"), ("name", ""), ("experiment", "two words"), ("name", ".hidden")]
)
def test_run_name_must_be_a_file_name(setting: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{setting}=") as error:
        run_name(config(**{setting: value}))
    assert "letters, digits" in str(error.value)


@pytest.mark.parametrize("record", read_records(CONF.parent / "results/runs"), ids=lambda record: record.name)
def test_a_committed_record_is_that_of_its_configuration(record: Record) -> None:
    # or a finished run would be done again, and a table could not tell what was compared
    assert config_hash(record.config) == record.config_hash
    assert run_name(record.config) == record.name


def test_a_setting_that_every_run_before_had_is_in_no_hash() -> None:
    config = compose("train")
    without = {key: value for key, value in config.items() if key != "objective"}
    assert config_hash(config) == config_hash(without)
    assert config_hash(compose("train", "objective=translation")) != config_hash(config)
