"""One question after the other to a chat endpoint as OpenAI's: POST <url>/chat/completions.

Rate limits (429), errors of the server (5xx, 408, 425) and of the connection are tried again, after the time that the
answer's Retry-After names or a back-off that doubles. What then still has no answer has a reason instead, and
the caller goes on. What would fail every question alike ends the run with one message: a wrong key, model or address at
any time, any other refusal (3xx, 4xx) before the first question is answered. A later refusal may be that one
question's, and is tried again like an error of the server.

The key is sent as a header and is nowhere else: not in a message, a log or a record. What a server says is searched
for it before it is kept.
"""

import asyncio
import email.utils
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

import httpx

from reattend.evaluation.judging.redaction import SHOWN, pattern
from reattend.evaluation.judging.settings import JudgeSettings
from reattend.settings import SettingError

FIRST_WAIT, LONGEST_BACK_OFF, LONGEST_WAIT = 1.0, 60.0, 600.0  # seconds
KEPT = 300  # characters of what a server says
BUSY = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
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

    def __init__(self, problem: str, *, wait: float | None = None, slow: bool = False) -> None:
        super().__init__(problem)
        self.wait, self.slow = wait, slow


class Endpoint:
    """An open connection; `answered`: a question like those that follow was answered before."""

    def __init__(
        self, settings: JudgeSettings, *, answered: bool = False, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.settings, self.answered, self.sleep = settings, answered, sleep
        self.key = settings.key()
        self.secret = None if self.key is None else pattern(self.key)
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        # asyncio, as httpx itself limits single reads only; who cannot even be connected to is no slow server
        self.loop = asyncio.Runner()
        self.client = httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(None, connect=settings.timeout / 2))
        self.reached = False  # an answer of any kind came: the address is right

    def close(self) -> None:
        self.loop.run(self.client.aclose())
        self.loop.close()

    def ask(self, content: str) -> Reply:
        """The answer to one message of a user."""
        last = Again("")
        for attempt in range(self.settings.retries + 1):
            try:
                return self._once(content)
            except Again as again:
                last = again
                back_off = min(FIRST_WAIT * 2**attempt, LONGEST_BACK_OFF)
                wait = back_off if again.wait is None else again.wait
                if wait > LONGEST_WAIT:
                    return Reply(None, f"{again}; it asked to wait for {wait:,.0f} s")
                if attempt < self.settings.retries:
                    self.sleep(wait)
        if not self.reached:
            raise self._not_reached(last)
        return Reply(None, f"{last}; tried {self.settings.retries + 1} times")

    def _not_reached(self, last: Again) -> SettingError:
        if last.slow:
            expected = f"the seconds that a whole answer takes ({last})"
            return SettingError("judge.timeout", self.settings.timeout, expected, "Raise judge.timeout.")
        expected = f"an endpoint that can be reached ({last})"
        return SettingError("judge.url", self.settings.url, expected, "Correct judge.url, or start the server.")

    def _once(self, content: str) -> Reply:
        messages = [{"role": "user", "content": content}]
        try:
            response = self.loop.run(self._post({"model": self.settings.model, "messages": messages}))
        except TimeoutError:
            raise Again(f"no whole answer within judge.timeout={self.settings.timeout:g} s", slow=True) from None
        except httpx.RequestError as error:  # of the connection, or a body that is not encoded as it says
            raise Again(self._told(f"{type(error).__name__}: {error}")) from None
        self.reached = True
        status = response.status_code
        # not response.text: a server may name an encoding that is none of text
        said = self._told(f"HTTP {status}: {response.content.decode(errors='replace')}")
        if status in REFUSED:
            key, expected = REFUSED[HTTPStatus(status)]
            value = getattr(self.settings, key)
            raise SettingError(f"judge.{key}", value, f"{expected} ({said})", "What was judged so far is kept.")
        if 300 <= status < 500 and status not in BUSY and not self.answered:
            raise self._refused(response, said)
        if status >= 300:
            raise Again(said, wait=_seconds(response.headers.get("Retry-After")))
        if status != HTTPStatus.OK:
            return Reply(None, said)
        self.answered = True
        return self._read(response, said)

    async def _post(self, body: dict[str, Any]) -> httpx.Response:
        async with asyncio.timeout(self.settings.timeout):
            url = f"{self.settings.url.rstrip('/')}/chat/completions"
            return await self.client.post(url, json=body | self.settings.request)

    def _refused(self, response: httpx.Response, said: str) -> SettingError:
        if response.status_code < 400:
            said = self._told(f"{said} -> {response.headers.get('Location', 'nowhere')}")
            expected = f"an address that answers itself ({said})"
            return SettingError("judge.url", self.settings.url, expected, "Give the one it points to.")
        expected = f"fields that the endpoint takes for the model {self.settings.model} ({said})"
        fix = "Add one as +judge.request.KEY=VALUE, leave one out as ~judge.request.KEY."
        return SettingError("judge.request", self.settings.request, expected, fix)

    def _read(self, response: httpx.Response, said: str) -> Reply:
        try:
            found = json.loads(response.content)
            text, model = found["choices"][0]["message"]["content"], found.get("model")
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return Reply(None, f"no chat completion; {said}")
        if not isinstance(text, str):
            return Reply(None, f"an answer without text; {said}")
        return Reply(self._kept(text), None, self._told(model) if isinstance(model, str) else None)

    def _told(self, text: str) -> str:
        return " ".join(self._kept(text).split())[:KEPT]

    def _kept(self, text: str) -> str:
        """Without the key, and without the halves of surrogate pairs that JSON can spell but no file can hold."""
        text = text.encode(errors="replace").decode()
        return self.secret.sub(SHOWN, text) if self.secret else text


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After as seconds: a number, or a date (RFC 9110, section 10.2.3); None where it is neither."""
    if retry_after is None:
        return None
    if re.fullmatch(r"\s*[0-9]+\s*", retry_after):
        return float(retry_after)
    try:
        until = email.utils.parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
