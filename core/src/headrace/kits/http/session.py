"""Requests to one service: its address, its limits, what is tried again, and its refusals as our errors."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
import stamina

from headrace.kits.http.auth import SignIn
from headrace.sdk.egress import check_url
from headrace.sdk.egress_http import Answer, EgressClient
from headrace.sdk.errors import AuthError, ConfigError, DataError, HeadraceError, TransientError

ATTEMPTS = 5
WAIT_MAX_S = 60.0
"""A longer wait that the service asks for is left to whoever executes us."""
SAID_MAX = 200
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:|//")
_SECONDS = re.compile(r"-?\d{1,9}(\.\d+)?", re.ASCII)
_WHERE = ("message", "error_description", "detail", "title", "error", "msg", "errors")


class Session:
    """One service.

    Args:
        base_url: Its address.
        sign_in: Its credentials.
        client: The door.
        headers: Sent with every request.
        requests_per_s: 0 is unlimited.
        pause: Waits; tests put their own here.
    """

    def __init__(
        self, base_url: str, sign_in: SignIn, client: EgressClient, *, headers: Mapping[str, str] | None = None,
        requests_per_s: float = 0, pause: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        place = check_url(base_url)
        self.host = place.host
        self._origin = place.origin
        self._base = place.url.partition("#")[0].partition("?")[0].rstrip("/")
        self._sign_in = sign_in
        self._client = client
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._gap_s = 1 / requests_per_s if requests_per_s else 0.0
        self._next = 0.0
        self._pause = pause

    def url(self, path: str, params: Mapping[str, Any] | None = None) -> str:
        """The address of a path.

        Raises:
            ConfigError: the path leads elsewhere.
        """
        if _ABSOLUTE.match(path) or "\\" in path or {".", ".."} & set(path.partition("?")[0].split("/")):
            raise ConfigError(
                f"'{path}' is no path below {self._base}; write it as in 'users' or 'v1/users'", field="stream"
            )
        url = f"{self._base}/{path.lstrip('/')}" if path.strip("/") else self._base
        pairs = [(name, _plain(value)) for name, value in (params or {}).items() if value is not None and value != ""]
        return f"{url}{'&' if '?' in url else '?'}{urlencode(pairs)}" if pairs else url

    def own(self, url: str) -> str:
        """A link of an answer, if it stays with the service.

        Raises:
            ConfigError: it leads to another host.
        """
        if check_url(url).origin != self._origin:
            raise ConfigError(
                f"'{self.host}' continues on another host; the credentials are not sent there", field="base_url"
            )
        return url

    def call(
        self, method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None,
        repeatable: bool = True, changes: bool = False, attempts: int = ATTEMPTS,
    ) -> Answer:  # fmt: skip
        """Send a request, again where that is safe; the answer has a status below 300.

        Args:
            method: Upper case.
            url: From `url` or `own`.
            body: JSON, or nothing.
            headers: More of them.
            repeatable: A repeat has no second effect.
            changes: What is refused is the caller's data, not the configuration.
            attempts: How often at most.

        Raises:
            AuthError, ConfigError, DataError, TransientError: by the answer's status.
        """

        def again(error: Exception) -> bool | float:
            if not isinstance(error, TransientError) or not (repeatable or error.details.get("status") == 429):
                return False
            if error.retry_after_s is None:
                return True
            return error.retry_after_s if error.retry_after_s <= WAIT_MAX_S else False

        sent = {**self._headers, **({"Content-Type": "application/json"} if body else {}), **(headers or {})}
        for attempt in stamina.retry_context(on=again, attempts=attempts, timeout=180, wait_initial=0.5, wait_max=20):
            with attempt:
                return self._once(method, url, body, sent, changes=changes)
        raise AssertionError("retry_context returns or raises")  # pragma: no cover

    def _once(self, method: str, url: str, body: bytes, headers: Mapping[str, str], *, changes: bool) -> Answer:
        self.own(url)  # whoever built it
        self._wait()
        answer = self._client.request(method, url, headers=headers, credentials=self._sign_in.headers(), body=body)
        if answer.status == 401 and self._sign_in.renew():
            answer = self._client.request(method, url, headers=headers, credentials=self._sign_in.headers(), body=body)
        if answer.status >= 300:
            raise self._refusal(answer, changes=changes)
        return answer

    def _wait(self) -> None:
        now = time.monotonic()
        if self._next > now:
            self._pause(self._next - now)
        self._next = max(now, self._next) + self._gap_s

    def _refusal(self, answer: Answer, *, changes: bool) -> HeadraceError:
        status = answer.status
        said = self.said(answer)
        words = f"{status}: {said}" if said else str(status)
        if status in {401, 403}:
            return AuthError(
                f"'{self.host}' refuses the credentials ({words}); enter them again, or give them the right to do this",
                status=status,
            )
        if status == 404:
            return ConfigError(
                f"'{self.host}' has nothing there ({words}); correct the path", field="stream", status=status
            )
        if status in {408, 425, 429} or status >= 500:
            wait = retry_after_s(answer.headers.get("retry-after", ""))
            return TransientError(
                f"'{self.host}' cannot answer now ({words}); it is tried again", retry_after_s=wait, status=status
            )
        kind = DataError if changes else ConfigError
        return kind(f"'{self.host}' refuses the request ({words}); correct it", status=status)

    def said(self, answer: Answer) -> str:
        """The service's own short words, without secrets."""
        try:
            found = _short(msgspec.json.decode(answer.body))
        except msgspec.DecodeError:
            found = ""
        for secret in self._sign_in.secrets():
            found = found.replace(secret, "***") if len(secret) >= 4 else found
        return " ".join("".join(c if c.isprintable() else " " for c in found).split())[:SAID_MAX]

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def retry_after_s(value: str) -> float | None:
    """Seconds of a `Retry-After`, given as such or as a date; None if it is neither."""
    if _SECONDS.fullmatch(value.strip()):
        return max(0.0, float(value))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(said: Any) -> str:
    if isinstance(said, str):
        return said
    if isinstance(said, list) and said:
        return _short(said[0])
    if isinstance(said, dict):
        return next((text for name in _WHERE if name in said and (text := _short(said[name]))), "")
    return ""
