"""Service accounts of Google: a key signs a request for a token (RFC 7523)."""

from __future__ import annotations

import time
from typing import Any

import msgspec

from headrace.kits.http.auth import SignIn
from headrace.kits.http.parts import OAuth2
from headrace.kits.http.tokens import JWT_BEARER, Fetched, ask, until_it_ends
from headrace.sdk.config import Config, Secret
from headrace.sdk.egress_http import EgressClient
from headrace.sdk.errors import ConfigError

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address


class AccountKey(Config):
    """A key alone, where no Config of a connection has it."""

    private_key: Secret


class ServiceAccount(SignIn):
    """Signs in as a service account.

    Args:
        config: Of the connection; its secrets are shown in no message.
        field: Where the JSON key of the account is.
        scope: What is asked for.
        token_url: Who gives tokens.
        subject: Whom the account acts as, where an administrator has allowed that; empty is itself.
        client: Asks for the tokens; None: one of its own.
    """

    def __init__(
        self, config: Config, field: str, scope: str, *, token_url: str = TOKEN_URL, subject: str = "",
        client: EgressClient | None = None,
    ) -> None:  # fmt: skip
        super().__init__(OAuth2(grant="jwt_bearer", scope=scope), config, client or EgressClient())
        self._field, self._token_url, self._subject = field, token_url, subject

    def fetched(self, auth: OAuth2, refresh: str) -> Fetched:
        """A token for an hour."""
        form = {"grant_type": JWT_BEARER, "assertion": self._assertion(auth.scope)}
        return until_it_ends(ask(self.client, self._token_url, form, field=self._field))

    def _assertion(self, scope: str) -> str:
        import jwt

        given: Secret = getattr(self.config, self._field)
        at = int(time.time())
        try:
            key = msgspec.json.decode(given.reveal())
            claims: dict[str, Any] = {
                "iss": key["client_email"], "scope": scope, "aud": self._token_url, "iat": at, "exp": at + 3600,
                **({"sub": self._subject} if self._subject else {}),
            }  # fmt: skip
            return jwt.encode(claims, key["private_key"], "RS256", headers={"kid": key.get("private_key_id", "")})
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, jwt.PyJWTError) as error:
            raise ConfigError(
                "this is no key of a service account; paste the whole JSON file that Google Cloud gave",
                field=self._field, detail=type(error).__name__,
            ) from None  # fmt: skip
