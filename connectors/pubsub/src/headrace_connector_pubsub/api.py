"""The REST API of Pub/Sub, v1, as one service account; every request leaves by the door."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import msgspec
from headrace.kits.http.tokens import JWT_BEARER, ask
from headrace.sdk import AuthError, ConfigError, HeadraceError, TransientError
from headrace.sdk.egress_http import Answer, EgressClient

from headrace_connector_pubsub import PubsubConfig

PUBLIC = "https://pubsub.googleapis.com"
SCOPE = "https://www.googleapis.com/auth/pubsub"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
EARLY_S = 300


class Api:
    """Topics and subscriptions of one project."""

    def __init__(self, config: PubsubConfig) -> None:
        self._config = config
        self._base = f"{(config.endpoint or PUBLIC).rstrip('/')}/v1"
        self._client = EgressClient()
        self._token, self._until = "", 0.0

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
        credentials = {"Authorization": f"Bearer {self._bearer()}"} if self._config.private_key.reveal() else {}
        answer = self._client.request(
            method, url, headers={"Accept": "application/json", "Content-Type": "application/json"},
            credentials=credentials, body=msgspec.json.encode(data) if data is not None else b"",
        )  # fmt: skip
        if answer.status == fine:
            return None
        if answer.status >= 300:
            raise self._refusal(answer)
        return msgspec.json.decode(answer.body) if answer.body.strip() else {}

    def _bearer(self) -> str:
        """A token, asked for an hour at a time."""
        now = time.time()
        if now > self._until:
            try:
                key = msgspec.json.decode(self._config.private_key.reveal())
                claims = {"iss": key["client_email"], "scope": SCOPE, "aud": TOKEN_URL, "iat": int(now),
                          "exp": int(now) + 3600}  # fmt: skip
                headers = {"kid": key.get("private_key_id", "")}
                assertion = jwt.encode(claims, key["private_key"], "RS256", headers=headers)
            except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, jwt.PyJWTError) as error:
                raise ConfigError(
                    "this is no key of a service account; paste the whole JSON file that Google Cloud gave",
                    field="private_key", detail=type(error).__name__,
                ) from None  # fmt: skip
            form = {"grant_type": JWT_BEARER, "assertion": assertion}
            granted = ask(self._client, TOKEN_URL, form, field="private_key")
            self._token, self._until = granted.access_token, now + granted.lasts_s - EARLY_S
        return self._token

    def _refusal(self, answer: Answer) -> HeadraceError:
        where, said = f"Pub/Sub of '{self._config.project}'", _said(answer.body)
        detail = f"{answer.status} {said}"
        if answer.status in {401, 403}:
            self._until = 0.0
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
