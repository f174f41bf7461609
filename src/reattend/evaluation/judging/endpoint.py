"""One question after the other to a chat endpoint as OpenAI's: POST <url>/chat/completions.

Rate limits (429), errors of the server (5xx, 408) and of the connection are tried again, after the time that the
answer's Retry-After names or a back-off that doubles. What then still has no answer has a reason instead, and
the caller goes on. A wrong key, model or address would fail every question alike: it ends the run with one message.

The key is sent as a header and is nowhere else: not in a message, a log or a record. What a server says is searched
for it before it is kept.
"""

import email.utils
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

import httpx

from reattend.evaluation.judging.settings import JudgeSettings
from reattend.settings import SettingError

FIRST_WAIT, LONGEST_BACK_OFF, LONGEST_WAIT = 1.0, 60.0, 600.0  # seconds
KEPT = 300  # characters of what a server says
REFUSED = {
    HTTPStatus.UNAUTHORIZED: ("key_variable", "the name of a variable with a key that the endpoint takes"),
    HTTPStatus.FORBIDDEN: ("key_variable", "the name of a variable with a key that may use this model"),
    HTTPStatus.NOT_FOUND: ("model", "a model that this endpoint has, at a url that ends as .../v1"),
}


@dataclass(frozen=True)
class Reply:
    """What came of one question: text, or the problem instead."""

    text: str | None
    problem: str | None = None
    model: str | None = None  # as the server calls it


class Again(Exception):  # noqa: N818 - no error yet
    """Worth another try, after so many seconds if the server said so."""

    def __init__(self, problem: str, wait: float | None = None) -> None:
        super().__init__(problem)
        self.wait = wait


class Endpoint:
    """An open connection."""

    def __init__(self, settings: JudgeSettings, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.settings, self.sleep = settings, sleep
        self.key = settings.key()
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        self.client = httpx.Client(headers=headers, timeout=settings.timeout)
        self.reached = False  # an answer of any kind came: the address is right

    def close(self) -> None:
        self.client.close()

    def ask(self, content: str) -> Reply:
        """The answer to one message of a user."""
        problem = ""
        for attempt in range(self.settings.retries + 1):
            try:
                return self._once(content)
            except Again as again:
                problem = str(again)
                back_off = min(FIRST_WAIT * 2**attempt, LONGEST_BACK_OFF)
                wait = back_off if again.wait is None else again.wait
                if wait > LONGEST_WAIT:
                    return Reply(None, f"{problem}; it asked to wait for {wait:,.0f} s")
                if attempt < self.settings.retries:
                    self.sleep(wait)
        if not self.reached:
            expected = f"an endpoint that can be reached ({problem})"
            raise SettingError("judge.url", self.settings.url, expected, "Correct judge.url, or start the server.")
        return Reply(None, f"{problem}; tried {self.settings.retries + 1} times")

    def _once(self, content: str) -> Reply:
        messages = [{"role": "user", "content": content}]
        body = {"model": self.settings.model, "messages": messages, **self.settings.request}
        try:
            response = self.client.post(f"{self.settings.url.rstrip('/')}/chat/completions", json=body)
        except httpx.TransportError as error:
            raise Again(self._told(f"{type(error).__name__}: {error}")) from None
        self.reached = True
        status = response.status_code
        said = self._told(f"HTTP {status}: {response.text}")
        if status in REFUSED:
            key, expected = REFUSED[HTTPStatus(status)]
            value = getattr(self.settings, key)
            raise SettingError(f"judge.{key}", value, f"{expected} ({said})", "What was judged so far is kept.")
        if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS) or status >= 500:
            raise Again(said, _seconds(response.headers.get("Retry-After")))
        if status != HTTPStatus.OK:
            return Reply(None, said)
        return self._read(response, said)

    def _read(self, response: httpx.Response, said: str) -> Reply:
        try:
            found = response.json()
            text, model = found["choices"][0]["message"]["content"], found.get("model")
        except (ValueError, LookupError, TypeError, AttributeError):
            return Reply(None, f"no chat completion; {said}")
        if not isinstance(text, str):
            return Reply(None, f"an answer without text; {said}")
        return Reply(self._without_key(text), None, self._told(model) if isinstance(model, str) else None)

    def _told(self, text: str) -> str:
        return " ".join(self._without_key(text).split())[:KEPT]

    def _without_key(self, text: str) -> str:
        return text.replace(self.key, "[key]") if self.key else text


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds: a number, or a date (RFC 9110, section 10.2.3); None where it is neither."""
    if retry_after is None:
        return None
    if retry_after.strip().isdigit():
        return float(retry_after)
    try:
        until = email.utils.parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
