"""Signing in as an app of Box: a JWT that its key signs, beside its id and secret."""

from __future__ import annotations

import secrets
import time
from typing import Any

import msgspec
from headrace.kits.http.auth import SignIn
from headrace.kits.http.parts import OAuth2
from headrace.kits.http.tokens import JWT_BEARER, Fetched, ask, until_it_ends
from headrace.sdk import ConfigError
from headrace.sdk.egress_http import EgressClient

from headrace_connector_box import BoxConfig

LASTS_S = 45
"""Box takes assertions of at most a minute."""


class AppSignIn(SignIn):
    """Signs in with the settings file of an app."""

    config: BoxConfig

    def __init__(self, config: BoxConfig) -> None:
        super().__init__(OAuth2(grant="jwt_bearer"), config, EgressClient())

    def fetched(self, auth: OAuth2, refresh: str) -> Fetched:
        """A token for an hour."""
        said = self._settings()
        form = {"grant_type": JWT_BEARER, "assertion": said["assertion"]}
        who = (said["id"], said["secret"])
        granted = ask(self.client, self.config.token_url, form, client_auth="form", who=who, field="private_key")
        return until_it_ends(granted)

    def _settings(self) -> dict[str, str]:
        import jwt
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        at = int(time.time())
        try:
            said: Any = msgspec.json.decode(self.config.private_key.reveal())
            app, auth = said["boxAppSettings"], said["boxAppSettings"]["appAuth"]
            user = self.config.user
            claims = {
                "iss": app["clientID"], "sub": user or str(said["enterpriseID"]), "jti": secrets.token_urlsafe(24),
                "box_sub_type": "user" if user else "enterprise", "aud": self.config.token_url, "iat": at,
                "exp": at + LASTS_S,
            }  # fmt: skip
            key: Any = load_pem_private_key(
                auth["privateKey"].encode(), (auth.get("passphrase") or "").encode() or None
            )
            signed = jwt.encode(claims, key, "RS512", headers={"kid": auth["publicKeyID"]})
            return {"assertion": signed, "id": app["clientID"], "secret": app["clientSecret"]}
        except (msgspec.DecodeError, KeyError, TypeError, ValueError, AttributeError, jwt.PyJWTError) as error:
            raise ConfigError(
                "these are no settings of an app; paste the whole JSON file that Box gave with its key pair",
                field="private_key", detail=type(error).__name__,
            ) from None  # fmt: skip
