"""Who judges, and how it is asked: the keys of `judge` in the configuration."""

import os
import re
from dataclasses import dataclass, field
from typing import Any

import httpx

from reattend.settings import SettingError, at_least

VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
SURELY_A_NAME = re.compile(r"[A-Z_]+_(KEY|TOKEN)")  # which no key looks like
OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, kw_only=True)
class JudgeSettings:
    """The keys of `judge`."""

    url: str
    model: str
    key_variable: str | None = None
    request: dict[str, Any] = field(default_factory=dict)
    timeout: float = 60.0
    retries: int = 5

    def __post_init__(self) -> None:
        at_least("judge.timeout", self.timeout, 0.001)
        at_least("judge.retries", self.retries, 0)
        for key in {"model", "messages", "stream"} & self.request.keys():
            fix = f"Remove judge.request.{key}."
            raise SettingError(f"judge.request.{key}", self.request[key], "other fields, as this one is given", fix)
        address = _address(self.url)
        if address is None:
            expected = "an address such as https://HOST/v1, without a user, a password or a query"
            raise SettingError("judge.url", "...", expected, "Correct judge.url; a key belongs in judge.key_variable.")
        if self.key_variable is not None and address.scheme == "http" and address.host not in OWN_MACHINE:
            expected = "https, as a key would be readable on the way"
            raise SettingError("judge.url", self.url, expected, "Use https, or set judge.key_variable=null.")

    def key(self) -> str | None:
        """The key, out of its variable; no message repeats what might be one."""
        if self.key_variable is None:
            return None
        if not VARIABLE.fullmatch(self.key_variable):
            expected = "the name of an environment variable in capitals; the key itself must not stand here"
            raise SettingError("judge.key_variable", "...", expected, "Export the key and name the variable.")
        named = self.key_variable in os.environ or SURELY_A_NAME.fullmatch(self.key_variable)
        shown, export = (self.key_variable, f"{self.key_variable}=...") if named else ("...", "the key")
        key = os.environ.get(self.key_variable, "").strip()
        if not key or not key.isascii() or not key.isprintable():
            form = ", which is one line of ASCII" if key else ""
            expected = f"the name of an environment variable that holds a key{form}"
            fix = f"Export {export}, or set judge.key_variable=null for an endpoint without."
            raise SettingError("judge.key_variable", shown, expected, fix)
        return key


def _address(url: str) -> httpx.URL | None:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        return None
    plain = not (address.userinfo or address.query or address.fragment)
    return address if plain and address.scheme in ("http", "https") and address.host else None
