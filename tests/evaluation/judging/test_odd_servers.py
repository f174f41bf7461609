"""Servers that answer slowly, for ever, or nothing that can be read: a question without an answer, no traceback."""

import email.utils
import time

import pytest
from compared import Ask
from stub_judge import Told, completion

from reattend.evaluation.judging.endpoint import _seconds
from reattend.settings import SettingError


@pytest.mark.parametrize(
    "odd",
    [
        Told(headers={"Content-Encoding": "gzip"}, body="no gzip"),
        Told(status=429, headers={"Retry-After": "²"}, body="busy"),
        Told(status=429, headers={"Retry-After": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, body="busy"),
        Told(status=500, headers={"Content-Type": "text/plain; charset=hex"}, body="no hex"),
    ],
)
def test_what_cannot_be_read_is_tried_again(ask: Ask, odd: Told) -> None:
    reply, waits, stub = ask(odd, Told("(B)"))
    assert reply.text == "(B)" and waits == [1] and len(stub.asked) == 2


@pytest.mark.parametrize("date", ["", "²", "-1", "nan", "1e3", "Mon,", "1 Jan 2020 00:00:00 +9999999999"])
def test_a_wait_that_is_neither_number_nor_date_is_none(date: str) -> None:
    assert _seconds(date) is None


def test_a_wait_without_end_is_not_waited_for(ask: Ask) -> None:
    reply, waits, _ = ask(Told(status=429, headers={"Retry-After": "9" * 400}, body="busy"))
    assert reply.problem == "HTTP 429: busy; it asked to wait for inf s" and waits == []


def test_half_a_surrogate_pair_is_kept_as_something_that_a_file_can_hold(ask: Ask) -> None:
    reply = ask(Told(body=completion("(A) \ud800", model="m\udc00")))[0]
    assert reply.text == "(A) ?" and reply.model == "m?"


def test_a_slow_server_is_told_by_the_setting_that_helps(ask: Ask) -> None:
    with pytest.raises(SettingError, match=r"^judge.timeout=0.1: expected the seconds .*Raise judge.timeout") as slow:
        ask(Told("(A)", before=lambda: time.sleep(0.3)), timeout=0.1, retries=0)
    assert "judge.url" not in str(slow.value)


@pytest.mark.parametrize("where", ["headers", "body"])
def test_an_answer_that_drips_ends_in_time(ask: Ask, where: str) -> None:
    begun = time.perf_counter()
    reply, _, _ = ask(Told(status=500, body=""), Told(drips=where), Told("(B)"), timeout=0.3, retries=3)
    assert reply.text == "(B)" and time.perf_counter() - begun < 3
    with pytest.raises(SettingError, match=r"^judge.timeout=0.3"):
        ask(Told(drips=where), timeout=0.3, retries=0)


def test_a_slow_question_after_others_names_the_setting_too(ask: Ask) -> None:
    slow = Told("(A)", before=lambda: time.sleep(0.3))
    reply = ask(Told(status=500, body=""), slow, timeout=0.1, retries=1)[0]
    assert reply.problem == "no whole answer within judge.timeout=0.1 s; tried 2 times"


def test_a_date_is_the_seconds_until_then() -> None:
    soon = email.utils.formatdate(time.time() + 90, usegmt=True)
    assert 80 < (_seconds(soon) or 0) <= 90 and _seconds(" 7 ") == 7
