"""Settings of a judge: bad ones are one message each, and a key that stands in the wrong place is in none of them."""

from typing import Any

import pytest
from compared import KEY

from reattend.evaluation.judging.settings import JudgeSettings
from reattend.settings import SettingError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"url": "https://user:pw-secret@host/v1"}, "judge.url=...: expected an address"),
        ({"url": "https://host/v1?key=pw-secret"}, "judge.url=...: expected an address"),
        ({"url": "host/v1"}, "judge.url=...: expected an address"),
        ({"url": "ftp://host/v1"}, "judge.url=...: expected an address"),
        ({"url": "http://host/v1", "key_variable": "STUB_KEY"}, "judge.url=http://host/v1: expected https"),
        ({"request": {"model": "other"}}, "judge.request.model=other: expected other fields"),
        ({"timeout": 0.0}, "judge.timeout=0.0: expected at least"),
        ({"retries": -1}, "judge.retries=-1: expected at least 0"),
    ],
)
def test_bad_settings_are_one_message(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError) as refused:
        JudgeSettings(**({"url": "https://host/v1", "model": "m"} | settings))
    assert str(refused.value).startswith(message) and "pw-secret" not in str(refused.value)


@pytest.mark.parametrize("value", [None, "", "  ", "sk-two\nlines", "sk-schlüssel"])
def test_a_variable_without_a_usable_key_is_one_message(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    if value is None:
        monkeypatch.delenv("STUB_KEY")
    else:
        monkeypatch.setenv("STUB_KEY", value)
    with pytest.raises(SettingError, match=r"^judge.key_variable=STUB_KEY: expected the name of an env") as refused:
        JudgeSettings(url="https://host/v1", model="m", key_variable="STUB_KEY").key()
    assert "sk-" not in str(refused.value)


def test_a_key_in_the_place_of_its_variable_is_not_repeated() -> None:
    with pytest.raises(SettingError) as refused:
        JudgeSettings(url="https://host/v1", model="m", key_variable=KEY).key()
    assert KEY not in str(refused.value)


def test_a_key_in_capitals_in_the_place_of_its_variable_is_not_repeated() -> None:
    with pytest.raises(SettingError, match=r"^judge.key_variable=\.\.\.: expected the name of an env") as refused:
        JudgeSettings(url="https://host/v1", model="m", key_variable="ABCD1234SECRETLOOKING").key()
    assert "SECRET" not in str(refused.value)
