"""Signing in: the headers that only the service's own origin gets."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from headrace.kits.http.parts import Auth, BasicAuth, BearerAuth, HeaderAuth, NoAuth, OAuth2
from headrace.sdk.config import Config, Secret
from headrace.sdk.egress_http import EgressClient
from headrace.sdk.errors import AuthError, ConfigError, TransientError

EARLY_S = 30.0
"""A token is fetched again so long before it ends."""


class SignIn:
    """Headers of one connection.

    Args:
        auth: How the service is signed in to.
        config: Where the values are.
        client: Fetches tokens.
    """

    def __init__(self, auth: Auth, config: Config, client: EgressClient) -> None:
        self._auth = auth
        self._config = config
        self._client = client
        self._token = ""
        self._ends = 0.0

    def headers(self) -> dict[str, str]:
        """What to send with a request.

        Raises:
            ConfigError: a value is missing or no header can hold it.
            AuthError: no token is given for these credentials.
        """
        match self._auth:
            case NoAuth():
                return {}
            case BearerAuth(field=field):
                return {"Authorization": f"Bearer {self._value(field)}"}
            case HeaderAuth(name=name, field=field, prefix=prefix):
                return {name: f"{prefix}{self._value(field)}"}
            case BasicAuth(user=user, password=password):
                return {"Authorization": _basic(self._value(user), self._value(password))}
            case OAuth2() as auth:
                return {"Authorization": f"Bearer {self._fetched(auth)}"}

    def secrets(self) -> Iterator[str]:
        """Texts that no message may show."""
        for name in self._config.__struct_fields__:
            value = getattr(self._config, name)
            if isinstance(value, Secret) and value:
                yield value.reveal()
                yield quote(value.reveal(), safe="")
        if isinstance(self._auth, BasicAuth):
            yield self.headers()["Authorization"].removeprefix("Basic ")
        if self._token:
            yield self._token

    def renew(self) -> bool:
        """Forget a fetched token, after the service has refused it; whether there was one."""
        had, self._token = bool(self._token), ""
        return had

    def _value(self, field: str) -> str:
        value = getattr(self._config, field)
        text = value.reveal() if isinstance(value, Secret) else str(value)
        if not text:
            raise ConfigError(f"'{field}' is empty; enter it in the connection", field=field)
        if not text.isprintable() or (not text.isascii() and not isinstance(self._auth, BasicAuth | OAuth2)):
            raise ConfigError(f"'{field}' holds a character that cannot be sent; enter it again", field=field)
        return text

    def _fetched(self, auth: OAuth2) -> str:
        if self._token and time.monotonic() < self._ends:
            return self._token
        form = {"grant_type": "client_credentials", **({"scope": auth.scope} if auth.scope else {})}
        user, password = (quote(self._value(name), safe="") for name in (auth.client_id, auth.client_secret))
        answer = self._client.request(
            "POST", auth.token_url, body=urlencode(form).encode(),
            credentials={"Authorization": _basic(user, password)},
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        )  # fmt: skip
        if answer.status >= 500 or answer.status == 429:
            raise TransientError(f"the token service answers {answer.status}; it is tried again")
        try:
            said: Any = msgspec.json.decode(answer.body)
            token, lasts = said["access_token"], float(said.get("expires_in") or 300)
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError):
            token, lasts = None, 0.0
        if answer.status != 200 or not isinstance(token, str) or not token.isprintable():
            raise AuthError(
                f"the token service gives no token (it answers {answer.status}); correct client id, secret and scope",
                field=auth.client_secret,
            )
        self._token, self._ends = token, time.monotonic() + max(0.0, lasts - EARLY_S)
        return token


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()
