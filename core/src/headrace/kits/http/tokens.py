"""Tokens of an OAuth 2 service: requests to its token address, and what they come to. No person takes part."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from headrace.kits.http.parts import OAuth2
from headrace.kits.http.paths import filled
from headrace.sdk.egress_http import EgressClient
from headrace.sdk.errors import AuthError, ConfigError, TransientError

EARLY_S = 30.0
"""A token is fetched again so long before it ends."""
USUAL_S = 300.0
"""A token whose end nobody says."""
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class Fetched(Struct, frozen=True):
    """An access token until `until` (of the monotonic clock); `refused` is the one that it replaces."""

    access: str = ""
    until: float = float("inf")
    refresh: str = ""
    refused: str = ""


class Granted(Struct, frozen=True, kw_only=True):
    """What a token address gave."""

    access_token: str
    refresh_token: str = ""
    lasts_s: float = USUAL_S


def address(declared: str, field: str, value: Callable[[str], str]) -> str:
    """A token or authorization address: the config's own, or the declared one with its fields filled in."""
    own = value(field) if field else ""
    if own:
        return own
    names = [part.partition("}")[0] for part in declared.split("{")[1:]]
    made = filled(declared, {name: value(name) for name in names})
    if not made:
        raise ConfigError("there is no address to fetch tokens from; enter it in the connection", field="token_url")
    return made


def fetch(auth: OAuth2, value: Callable[[str], str], client: EgressClient, refresh: str = "") -> Fetched:
    """A token by the declared grant.

    Raises:
        AuthError: none is given for these credentials.
        TransientError: the token address does not answer.
    """
    url = address(auth.token_url, "token_url", _optional(value))
    more = {"scope": auth.scope, "audience": auth.audience}
    if auth.grant == "jwt_bearer":
        granted = ask(client, url, {"grant_type": JWT_BEARER, "assertion": _assertion(auth, value, url)})
    else:
        form = {"grant_type": "client_credentials"}
        if auth.grant == "refresh_token":
            form = {"grant_type": "refresh_token", "refresh_token": refresh or value(auth.refresh_token)}
        who = (value(auth.client_id), value(auth.client_secret))
        granted = ask(client, url, {**form, **more}, client_auth=auth.client_auth, who=who, field=auth.client_secret)
    return until_it_ends(granted, refresh)


def until_it_ends(granted: Granted, refresh: str = "") -> Fetched:
    """What was granted, to be fetched again shortly before it ends."""
    until = time.monotonic() + max(0.0, granted.lasts_s - EARLY_S)
    return Fetched(granted.access_token, until, granted.refresh_token or refresh)


def ask(
    client: EgressClient, url: str, form: Mapping[str, str], *, client_auth: Literal["basic", "form"] = "basic",
    who: tuple[str, str] = ("", ""), field: str = "client_secret",
) -> Granted:  # fmt: skip
    """Ask a token address.

    Args:
        client: The door.
        url: The address.
        form: What is asked; empty values are left out.
        client_auth: How the client shows its secret.
        who: Client id and secret; an empty secret is a public client.
        field: Of the config, that is named in an error.

    Raises:
        AuthError: no token; its detail `error` is the service's code (RFC 6749, 5.2), `slow_down` and
            `authorization_pending` included.
        TransientError: no answer, 429 or 5xx.
    """
    sent = {name: value for name, value in form.items() if value}
    credentials: dict[str, str] = {}
    if who[0] and who[1] and client_auth == "basic":
        credentials["Authorization"] = basic(*(quote(part, safe="") for part in who))
    elif who[0]:
        sent |= {"client_id": who[0], **({"client_secret": who[1]} if who[1] else {})}
    answer = client.request(
        "POST", url, body=urlencode(sent).encode(), credentials=credentials,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
    )  # fmt: skip
    if answer.status >= 500 or answer.status == 429:
        raise TransientError(f"the token service answers {answer.status}; it is tried again")
    try:
        said: Any = msgspec.json.decode(answer.body)
        said = said if isinstance(said, dict) else {}
        lasts = float(said.get("expires_in") or USUAL_S)
    except (msgspec.DecodeError, TypeError, ValueError):
        said, lasts = {}, USUAL_S
    token = said.get("access_token")
    if answer.status >= 300 or not isinstance(token, str) or not token.isprintable() or not token.isascii():
        code = str(said.get("error", ""))[:60]
        shown = code if code.isidentifier() else ""
        raise AuthError(
            f"the token service gives no token (it answers {answer.status}{f', {shown}' if shown else ''}); correct "
            "client id, secret and scope",
            field=field, error=shown,
        )  # fmt: skip
    renewed = said.get("refresh_token")
    return Granted(access_token=token, refresh_token=renewed if isinstance(renewed, str) else "", lasts_s=lasts)


def basic(user: str, password: str) -> str:
    """The value of an `Authorization` header."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def _optional(value: Callable[[str], str]) -> Callable[[str], str]:
    def found(name: str) -> str:
        try:
            return value(name)
        except AttributeError:
            return ""

    return found


def _assertion(auth: OAuth2, value: Callable[[str], str], url: str) -> str:
    """A JWT that the Config's private key signs (RFC 7523)."""
    import jwt

    at = int(time.time())
    issuer = value(auth.client_id)
    claims: dict[str, Any] = {"iss": issuer, "sub": issuer, "aud": auth.audience or url, "iat": at, "exp": at + 300}
    if auth.subject:
        claims["sub"] = value(auth.subject)
    if auth.scope:
        claims["scope"] = auth.scope
    key = value(auth.private_key).replace("\\n", "\n")
    try:
        return jwt.encode(claims, key, algorithm="ES256" if "EC PRIVATE" in key else "RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise ConfigError(
            f"'{auth.private_key}' is no private key in PEM form; enter it again", field=auth.private_key
        ) from None
