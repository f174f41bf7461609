"""Questions to a chat endpoint: what is tried again and when, what is given up, and that the key goes nowhere else."""

import email.utils
import time
from datetime import UTC, datetime, timedelta

import pytest
from compared import KEY, Ask
from stub_judge import Told, completion, served

from reattend.evaluation.judging.endpoint import Endpoint, Reply
from reattend.evaluation.judging.settings import JudgeSettings
from reattend.settings import SettingError


def test_a_question_is_one_message_with_the_key_as_a_header(ask: Ask) -> None:
    reply, waits, stub = ask(Told("(A)"), request={"temperature": 0, "max_tokens": 7})
    assert reply == Reply("(A)", None, "stub-1") and waits == []
    messages = [{"role": "user", "content": "Which?"}]
    assert stub.asked == [{"model": "m", "messages": messages, "temperature": 0, "max_tokens": 7}]
    assert stub.paths == ["/v1/chat/completions"]
    assert stub.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_an_endpoint_without_a_key_gets_none(ask: Ask) -> None:
    _, _, stub = ask(Told("(A)"), key_variable=None)
    assert "Authorization" not in stub.headers[0]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 408, 425])
def test_limits_and_errors_of_the_server_are_tried_again_ever_later(ask: Ask, status: int) -> None:
    busy = Told(status=status, body="busy")
    reply, waits, stub = ask(busy, busy, Told("(B)"))
    assert reply.text == "(B)" and waits == [1, 2] and len(stub.asked) == 3


def test_after_the_last_try_there_is_a_problem_and_no_answer(ask: Ask) -> None:
    reply, waits, stub = ask(Told(status=503, body="down for\nmaintenance"), retries=2)
    assert reply == Reply(None, "HTTP 503: down for maintenance; tried 3 times")
    assert waits == [1, 2] and len(stub.asked) == 3


def test_the_server_says_how_long_to_wait(ask: Ask) -> None:
    soon = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    script = [Told(status=429, headers={"Retry-After": after}, body="") for after in ("7", soon, "nonsense")]
    reply, waits, _ = ask(*script, Told("(C)"))
    assert reply.text == "(C)"
    assert waits[0] == 7 and 80 < waits[1] <= 90 and waits[2] == 4  # the third back-off


def test_a_wait_of_hours_is_not_waited_for(ask: Ask) -> None:
    reply, waits, stub = ask(Told(status=429, headers={"Retry-After": "86400"}, body="quota"))
    assert reply.text is None and reply.problem == "HTTP 429: quota; it asked to wait for 86,400 s"
    assert waits == [] and len(stub.asked) == 1


def test_a_slow_answer_is_given_up_and_tried_again(ask: Ask) -> None:
    slow = Told("(A)", before=lambda: time.sleep(0.5))
    reply, waits, stub = ask(slow, Told("(B)"), timeout=0.2)
    assert reply.text == "(B)" and waits == [1] and len(stub.asked) == 2


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        (Told(body="<html>hello</html>"), "no chat completion; HTTP 200: <html>hello</html>"),
        (Told(body="{}"), "no chat completion"),
        (Told(body='{"choices": []}'), "no chat completion"),
        (Told(body="[1]"), "no chat completion"),
        (Told(body=completion(None)), "an answer without text"),
        (Told(body="[" * 100_000), "no chat completion; HTTP 200: [[["),
        (Told(status=204, body=""), "HTTP 204"),
    ],
)
def test_nonsense_is_no_answer_and_not_asked_for_again(ask: Ask, told: Told, problem: str) -> None:
    reply, waits, stub = ask(told)
    assert reply.text is None and (reply.problem or "").startswith(problem)
    assert waits == [] and len(stub.asked) == 1


@pytest.mark.parametrize("status", [302, 400, 418])
def test_a_later_refusal_is_tried_again_and_then_a_problem_of_that_question(ask: Ask, status: int) -> None:
    refusal = Told(status=status, headers={"Location": "http://127.0.0.1:9/"}, body="too long")
    reply, waits, stub = ask(refusal, retries=2)
    assert reply == Reply(None, f"HTTP {status}: too long; tried 3 times")
    assert waits == [1, 2] and len(stub.asked) == 3
    assert ask(refusal, Told("(B)"))[0].text == "(B)"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (Told(status=400, body="Unsupported parameter: max_tokens"), r"^judge.request=.*max_tokens.*~judge.request"),
        (Told(status=422, body="extra"), "^judge.request=.*HTTP 422: extra"),
        (Told(status=301, headers={"Location": "https://host/v1/"}, body=""), "^judge.url=.*HTTP 301: -> https://host"),
    ],
)
def test_a_refusal_of_the_first_question_is_one_message(ask: Ask, told: Told, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        ask(told, answered=False)
    with pytest.raises(SettingError, match=message):
        ask(Told(status=503, body=""), told, answered=False)


@pytest.mark.parametrize(("status", "setting"), [(401, "key_variable"), (403, "key_variable"), (404, "model")])
def test_what_would_fail_every_question_is_one_message(ask: Ask, status: int, setting: str) -> None:
    with pytest.raises(SettingError, match=f"^judge.{setting}=.*HTTP {status}") as refused:
        ask(Told(status=status, body=f"Incorrect API key provided: {KEY}"))
    assert KEY not in str(refused.value) and "[key]" in str(refused.value)


def test_an_address_where_nobody_answers_is_one_message() -> None:
    waits: list[float] = []
    settings = JudgeSettings(url="http://127.0.0.1:9/v1", model="m", retries=1)
    with pytest.raises(SettingError, match=r"^judge.url=http://127.0.0.1:9/v1: expected an endpoint that can be"):
        Endpoint(settings, sleep=waits.append).ask("Which?")
    assert waits == [1]


def test_a_connection_lost_later_is_a_problem_of_that_question() -> None:
    with served(lambda question, number: Told("(A)")) as stub:
        endpoint = Endpoint(JudgeSettings(url=stub.url, model="m", retries=1), sleep=lambda wait: None)
        assert endpoint.ask("Which?").text == "(A)"
    reply = endpoint.ask("And now?")
    endpoint.close()
    assert reply.text is None and "tried 2 times" in (reply.problem or "")


def test_a_key_that_the_server_repeats_is_not_kept(ask: Ask) -> None:
    assert ask(Told(f"(A), {KEY}"))[0].text == "(A), [key]"
    problem = ask(Told(status=418, body=f"Your key is {KEY}."), retries=0)[0].problem
    assert problem == "HTTP 418: Your key is [key].; tried 1 times"
