"""A key comes back from a server as it is or escaped, and is kept in none of these forms."""

import html
import json
import time
import urllib.parse
from collections.abc import Callable

import pytest
from compared import Ask
from hypothesis import given
from hypothesis import strategies as st
from stub_judge import Told

from reattend.evaluation.judging.redaction import pattern

PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
FORMS: list[Callable[[str], str]] = [
    str,
    lambda key: json.dumps(key)[1:-1],
    lambda key: json.dumps(key)[1:-1].replace("/", r"\/"),
    lambda key: "".join(f"\\u{ord(character):04X}" for character in key),
    lambda key: json.dumps(json.dumps(key))[3:-3],
    urllib.parse.quote,
    lambda key: urllib.parse.quote(key, safe=""),
    lambda key: "".join(f"%{ord(character):02x}" for character in key),
    lambda key: urllib.parse.quote(urllib.parse.quote(key, safe=""), safe=""),
    html.escape,
    lambda key: "".join(f"&#{ord(character)};" for character in key),
]


@pytest.mark.parametrize("form", FORMS)
@given(key=PRINTABLE)
def test_every_form_of_a_key_is_found(form: Callable[[str], str], key: str) -> None:
    assert pattern(key).fullmatch(form(key))


@given(PRINTABLE, PRINTABLE)
def test_another_text_is_not(key: str, other: str) -> None:
    plain = not set("\\%&") & set(other)
    if plain and key not in other:
        assert not pattern(key).search(other)


def test_a_text_of_backslashes_takes_no_longer() -> None:
    begun = time.perf_counter()
    assert pattern("sk/secret").sub("", "\\" * 200_000) == "\\" * 200_000
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("form", FORMS)
def test_a_key_that_a_server_repeats_escaped_is_not_kept(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, form: Callable[[str], str]
) -> None:
    key = "sk/very+secret=0123"
    monkeypatch.setenv("STUB_KEY", key)
    reply = ask(Told(status=500, body=f"Your key: {form(key)}"), retries=0)[0]
    assert (reply.problem or "").startswith("HTTP 500: Your key: [key]")
    assert ask(Told(form(key)))[0].text == "[key]"
