"""Requests to one service: its address, its pace, what is tried again, and its refusals as our errors."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import stamina

from headrace.kits.http.auth import SignIn
from headrace.kits.http.pace import WAIT_MAX_S, Pace
from headrace.kits.http.parts import Meaning
from headrace.kits.http.refusals import Refusals
from headrace.sdk.egress import check_url
from headrace.sdk.egress_http import Answer, EgressClient
from headrace.sdk.errors import ConfigError, TransientError
from headrace.sdk.host import ConnectionHost

ATTEMPTS = 5
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:|//")


class Session:
    """One service.

    Args:
        base_url: Its address.
        sign_in: Its credentials.
        client: The door.
        headers: Sent with every request.
        budgets: So many requests in so many seconds.
        errors: What the declaration says of refusals.
        error_at: Where answers with status 200 have an error's text.
        host: Counts the budgets over all workers.
        pause: Waits; tests put their own here.
    """

    def __init__(
        self, base_url: str, sign_in: SignIn, client: EgressClient, *, headers: Mapping[str, str] | None = None,
        budgets: tuple[tuple[int, int], ...] = (), errors: Mapping[str, Meaning] | None = None, error_at: str = "",
        host: Callable[[], ConnectionHost | None] = lambda: None, pause: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        place = check_url(base_url)
        self.host = place.host
        self._origin = place.origin
        self._base = place.url.partition("#")[0].partition("?")[0].rstrip("/")
        self._sign_in = sign_in
        self._client = client
        self._headers = {"Accept": "application/json", **(headers or {})}
        self._pace = Pace(budgets, host, pause)
        self._refusals = Refusals(place.host, errors, error_at)

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
        passes: frozenset[int] = frozenset(),
    ) -> Answer:  # fmt: skip
        """Send a request, again where that is safe; the answer is no refusal.

        Args:
            method: Upper case.
            url: From `url` or `own`.
            body: JSON, or what `headers` say it is.
            headers: More of them.
            repeatable: A repeat has no second effect.
            changes: What is refused is the caller's data, not the configuration.
            attempts: How often at most.
            passes: Statuses whose answer the caller reads itself.

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
                return self._once(method, url, body, sent, changes=changes, passes=passes)
        raise AssertionError("retry_context returns or raises")  # pragma: no cover

    def _once(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], *, changes: bool, passes: frozenset[int]
    ) -> Answer:
        self.own(url)  # whoever built it
        self._pace.wait()
        answer = self._send(method, url, body, headers)
        if answer.status == 401 and self._sign_in.renew():
            answer = self._send(method, url, body, headers)
        self._pace.heard(answer.headers)
        if answer.status in passes:
            return answer
        error = self._refusals.of(answer, changes=changes, secrets=self._sign_in.secrets())
        if error is not None:
            raise error
        return answer

    def _send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        signed, credentials = self._sign_in.signed(method, url, body)
        return self._client.request(method, signed, headers=headers, credentials=credentials, body=body)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
