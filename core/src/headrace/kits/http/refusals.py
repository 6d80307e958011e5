"""What a service's refusal means: the error of its kind, in its own short words, without secrets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from headrace.kits.http.pace import limits_of, retry_after_s
from headrace.kits.http.parts import Meaning
from headrace.kits.http.records import dig
from headrace.sdk.egress_http import Answer
from headrace.sdk.errors import AuthError, ConfigError, DataError, HeadraceError, TransientError

SAID_MAX = 200
_WHERE = ("message", "error_description", "detail", "title", "error", "msg", "errors")


class Refusals:
    """Tells refusals of one service.

    Args:
        host: Its name, for messages.
        errors: What the declaration says of a status, or of a status and a text in the answer.
        error_at: Where answers with status 200 have an error's text.
    """

    def __init__(self, host: str, errors: Mapping[str, Meaning] | None = None, error_at: str = "") -> None:
        self._host = host
        self._error_at = error_at
        self._errors = [(*_parted(key), meaning) for key, meaning in (errors or {}).items()]
        self._errors.sort(key=lambda one: not one[1])  # those with a text go before

    def of(self, answer: Answer, *, changes: bool, secrets: Iterable[str]) -> HeadraceError | None:
        """The error that an answer is; None when it is none.

        Args:
            answer: What came.
            changes: What is refused is the caller's data, not the configuration.
            secrets: Texts that no message may show.
        """
        failed = self._inside(answer) if self._error_at and answer.status < 300 else ""
        if answer.status < 300 and not failed:
            return None
        said = _plain(failed or _short(_decoded(answer)), secrets)
        words = f"{answer.status}: {said}" if said else str(answer.status)
        return self._error(self.meaning(answer, changes=changes), answer, words)

    def _inside(self, answer: Answer) -> str:
        found = dig(_decoded(answer), self._error_at, missing=None)
        return _short(found) or (str(found) if found else "")

    def meaning(self, answer: Answer, *, changes: bool = False) -> str:
        """Of which kind a refusal is: one of `Meaning`, or `nothing` where nothing is there."""
        text = answer.body[:65_536].decode("utf-8", "replace")
        for status, part, meaning in self._errors:
            if status == answer.status and part in text:
                return meaning
        status = answer.status
        if status == 403 and limits_of(answer.headers)[0] == 0:
            return "transient"  # how some say that the budget is used up
        if status in {401, 403}:
            return "auth"
        if status in {408, 425, 429} or status >= 500:
            return "transient"
        if status == 404 and not changes:
            return "nothing"
        return "data" if changes else "config"

    def _error(self, meaning: str, answer: Answer, words: str) -> HeadraceError:
        host, status = self._host, answer.status
        if meaning == "auth":
            return AuthError(
                f"'{host}' refuses the credentials ({words}); enter them again, or give them the right to do this",
                status=status,
            )
        if meaning == "nothing":
            return ConfigError(f"'{host}' has nothing there ({words}); correct the path", field="stream", status=status)
        if meaning == "transient":
            wait = retry_after_s(answer.headers.get("retry-after", ""))
            wait = limits_of(answer.headers)[1] if wait is None and limits_of(answer.headers)[0] == 0 else wait
            return TransientError(
                f"'{host}' cannot answer now ({words}); it is tried again", retry_after_s=wait, status=status
            )
        kind = DataError if meaning == "data" else ConfigError
        return kind(f"'{host}' refuses the request ({words}); correct it", status=status)


def _parted(key: str) -> tuple[int, str]:
    status, _, text = key.partition(" ")
    return int(status), text.strip()


def _decoded(answer: Answer) -> Any:
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _plain(found: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        found = found.replace(secret, "***") if len(secret) >= 4 else found
    return " ".join("".join(c if c.isprintable() else " " for c in found).split())[:SAID_MAX]


def _short(said: Any) -> str:
    if isinstance(said, str):
        return said
    if isinstance(said, list) and said:
        return _short(said[0])
    if isinstance(said, dict):
        return next((text for name in _WHERE if name in said and (text := _short(said[name]))), "")
    return ""
