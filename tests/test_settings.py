"""A bad value becomes one message that names the setting, the value, what was expected and the fix."""

import math
import types
from collections import Counter
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from reattend.attention import Attention, build_attention
from reattend.cache import Policy, build_policy
from reattend.data import Corpus, build_corpus
from reattend.data.base import Data
from reattend.models import build_model
from reattend.settings import (
    SettingError,
    at_least,
    call_by_name,
    check_types,
    find_class,
    options_of,
    within,
)


def options(
    *,
    number: float,
    count: int = 1,
    flag: bool = False,
    text: str = "",
    choice: Literal["one", "two", 3] = "one",
    maybe: float | None = None,
    names: list[str] | None = None,
    given: Any = None,
) -> None:
    """A constructor with one option of each kind."""


def checked(**values):
    return check_types(options, values, group="group", given={"given": 0})


def refused(call, *parts):
    with pytest.raises(SettingError) as error:
        call()
    message = str(error.value)
    assert all(part in message for part in parts), message
    setting, rest = message.split("=", 1)
    assert setting == error.value.setting
    assert ": expected " in rest and rest.endswith(".") and ". " in rest  # value, expectation, fix
    return message


@pytest.mark.parametrize(
    "values",
    [
        {"number": 1.5, "count": 3, "flag": True, "text": "x", "choice": 3, "maybe": None, "names": ["a"]},
        {"number": -2, "maybe": 4, "choice": "two"},
    ],
)
def test_good_values_pass_unchanged(values):
    result = checked(**values)
    assert result == values
    assert type(result["number"]) is float
    assert type(result.get("maybe", 0.0)) in (float, type(None))


WRONG = {
    "number": (["abc", "1.0", True, None, math.nan, math.inf, -math.inf, [1.0]], "a finite number"),
    "count": ([1.0, 1.5, "1", False, None, math.nan], "a whole number"),
    "flag": ([1, 0, "true", None], "true or false"),
    "text": ([1, None, True], "text"),
    "choice": (["three", "", 1, True, 3.0, None], "one of one, two, 3"),
    "maybe": (["abc", True, math.nan], "a finite number or null"),
    "names": (["a", 1], "a list"),
}


@pytest.mark.parametrize(("option", "value"), [(o, v) for o, (values, _) in WRONG.items() for v in values], ids=repr)
def test_wrong_types_are_refused(option, value):
    refused(
        lambda: checked(**({"number": 1.0} | {option: value})),
        f"group.{option}={value}: expected",
        WRONG[option][1],
        f"Give group.{option} such a value.",
    )


@given(value=st.one_of(st.none(), st.booleans(), st.text(), st.floats(), st.lists(st.integers(), max_size=2)))
def test_numbers_are_finite_numbers_or_refused(value):
    try:
        result = checked(number=value)["number"]
    except SettingError:
        assert not (type(value) is float and math.isfinite(value))
    else:
        assert type(value) is float and result == value


def test_unknown_missing_and_supplied_options_are_refused():
    known = "a known option (number, count, flag, text, choice, maybe, names)"
    refused(lambda: checked(number=1.0, cuont=2), "group.cuont=2: expected " + known, "Remove group.cuont.")
    refused(lambda: checked(number=1.0, given=2), "group.given=2: expected " + known)  # not the user's to set
    refused(lambda: checked(count=2), "group.number=???: expected a value", "Add group.number=...")


ATTENTION = ", ".join(options_of(Attention, "reattend.attention"))


@pytest.mark.parametrize("name", ["softmix", "base", "x.y", "", "Softmax"])
def test_unknown_mechanisms_list_the_real_ones(name):
    refused(
        lambda: build_attention({"name": name}, heads=2, head_width=4),
        f"attention={name}: expected one of {ATTENTION}. Set attention to one of them.",
    )


def test_options_are_the_modules_that_define_one():
    assert {"softmax", "dagpam"} <= set(options_of(Attention, "reattend.attention"))
    assert "base" not in options_of(Attention, "reattend.attention")
    assert "base" not in options_of(Policy, "reattend.cache")
    assert {"text", "books"} <= set(options_of(Data, "reattend.data"))
    assert not {"corpus", "documents"} & set(options_of(Data, "reattend.data"))  # bases, of which others are made
    models = options_of(nn.Module, "reattend.models")
    assert "decoder" in models and not {"layers", "positions"} & set(models)  # those define several modules
    assert find_class(Attention, "reattend.attention", "dagpam", setting="attention").__name__ == "DaGPAM"


def test_a_helper_whose_package_is_missing_does_not_spoil_the_message(tmp_path, monkeypatch):
    (room := tmp_path / "some_room").mkdir()
    (room / "__init__.py").touch()
    (room / "helper.py").write_text("import a_package_that_is_not_here\n")
    (room / "thing.py").write_text("import collections\nclass Thing(collections.Counter): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert options_of(Counter, "some_room") == ["thing"]


def test_an_option_that_leaves_something_out_is_told_what(monkeypatch):
    class Forgetful(Policy):
        __module__ = "reattend.cache.full"

    monkeypatch.delattr("reattend.cache.full.Full")
    monkeypatch.setattr("reattend.cache.full.Forgetful", Forgetful, raising=False)
    with pytest.raises(TypeError, match=r"abstract.*empty"):
        build_policy({"name": "full"})


@pytest.mark.parametrize("helper", ["corpus", "store", "batches", "package_asset", "books", "documents"])
def test_helper_modules_are_no_corpora(helper):
    corpora = ", ".join(options_of(Corpus, "reattend.data"))
    refused(
        lambda: build_corpus({"name": helper}), f"data={helper}: expected one of {corpora}. Set data to one of them."
    )
    assert "text" in corpora and helper not in corpora


def test_messages_spell_the_setting_as_the_command_line_does():
    def attention(**values):
        return lambda: build_attention({"name": "dagpam", **values}, heads=2, head_width=4)

    refused(attention(lambda_init="abc"), "attention.lambda_init=abc: expected a finite number")
    refused(attention(negative_query_layers=True), "attention.negative_query_layers=True: expected one of 1, 2")
    refused(attention(heads=3), "attention.heads=3: expected a known option", "lambda_init")
    refused(attention(dropout=-0.1), "attention.dropout=-0.1: expected a number from 0.0 to below 1.0")
    config = {"architecture": "encoder", "name": "tiny"}
    refused(lambda: build_model(config, attention={}), "model.architecture=encoder: expected one of decoder")
    config["architecture"] = "decoder"
    supplied = {"vocabulary": 5, "context": 4, "seed": 0}
    refused(lambda: build_model(config, attention={}, **supplied), "model.width=???: expected a value")


def test_functions_are_found_by_name_and_helpers_are_not():
    module = types.ModuleType("rules")
    source = """
def double(*, number: float, given: int): return number * 2 * given
def _hidden(*, number: float): return number
def helper(config): return config
"""
    exec(source, module.__dict__)

    def call(**config):
        return call_by_name(module, config, group="rule", given=3)

    assert call(name="double", number=2) == 12
    for name in ("_hidden", "helper", "triple", "math"):
        refused(lambda name=name: call(name=name), f"rule={name}: expected one of double. Set rule to one of them.")
    refused(lambda: call(name="double", number="x"), "rule.number=x: expected a finite number")


def test_ranges_include_their_lower_end_alone():
    at_least("a", 1, 1)
    at_least("a", None, 1)  # a setting that may be left out
    within("a", 0.0, 0.0, 1.0)
    refused(lambda: at_least("a", 0.9, 1), "a=0.9: expected at least 1", "Raise a to 1 or more.")
    refused(lambda: within("a", 1.0, 0.0, 1.0), "a=1.0: expected a number from 0.0 to below 1.0")
    refused(lambda: within("a", -0.1, 0.0, 1.0), "a=-0.1")
