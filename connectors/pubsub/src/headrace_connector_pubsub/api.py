"""The REST API of Pub/Sub, v1, as one service account; every request leaves by the door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from headrace.kits.http.google import ServiceAccount
from headrace.sdk import AuthError, ConfigError, HeadraceError, TransientError
from headrace.sdk.egress_http import Answer, EgressClient

from headrace_connector_pubsub import PubsubConfig

PUBLIC = "https://pubsub.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/pubsub"


class Api:
    """Topics and subscriptions of one project."""

    def __init__(self, config: PubsubConfig) -> None:
        self._config = config
        self._base = f"{(config.endpoint or PUBLIC).rstrip('/')}/v1"
        self._client = EgressClient()
        named = bool(config.private_key.reveal())
        self._sign_in = ServiceAccount(config, "private_key", SCOPE, client=self._client) if named else None

    def path(self, kind: str, name: str) -> str:
        """The full name of a topic or subscription, of this project if no other is named."""
        return name if name.startswith("projects/") else f"projects/{self._config.project}/{kind}/{name}"

    def listed(self, kind: str, page: int = 1_000) -> Iterator[str]:
        """Short names of all topics or subscriptions, page by page."""
        query = {"pageSize": str(page)}
        while True:
            found = self.call("GET", f"projects/{self._config.project}/{kind}?{urlencode(query)}")
            yield from (one["name"].rpartition("/")[2] for one in found.get(kind, ()))
            if not found.get("nextPageToken"):
                return
            query["pageToken"] = found["nextPageToken"]

    def call(self, method: str, path: str, data: Any = None, *, fine: int = 0) -> Any:
        """What the service answers, decoded; None for the status `fine`.

        Raises:
            AuthError, ConfigError, TransientError: by the answer's status.
        """
        place, _, query = path.partition("?")
        url = f"{self._base}/{quote(place, safe='/:')}" + (f"?{query}" if query else "")
        credentials = self._sign_in.signed(method, url)[1] if self._sign_in else {}
        answer = self._client.request(
            method, url, headers={"Accept": "application/json", "Content-Type": "application/json"},
            credentials=credentials, body=msgspec.json.encode(data) if data is not None else b"",
        )  # fmt: skip
        if answer.status == fine:
            return None
        if answer.status >= 300:
            raise self._refusal(answer)
        return msgspec.json.decode(answer.body) if answer.body.strip() else {}

    def _refusal(self, answer: Answer) -> HeadraceError:
        where, said = f"Pub/Sub of '{self._config.project}'", _said(answer.body)
        detail = f"{answer.status} {said}"
        if answer.status in {401, 403}:
            if self._sign_in:
                self._sign_in.renew()
            return AuthError(f"{where} refuses this service account, or the account has not this right; grant it",
                             detail=detail, field="private_key")  # fmt: skip
        if answer.status in {408, 429} or answer.status >= 500:
            return TransientError(f"{where} cannot answer now ({answer.status}); it is tried again", detail=detail)
        return ConfigError(f"{where} refuses the request: {said or answer.status}; correct it", detail=detail,
                           field="stream")  # fmt: skip

    def close(self) -> None:
        """Hang up."""
        self._client.close()


def _said(body: bytes) -> str:
    try:
        words = str(msgspec.json.decode(body)["error"]["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())[:200]
