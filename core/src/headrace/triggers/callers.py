"""Who calls a webhook: judged on the raw request, before anything of it is parsed. Pure."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Any

from headrace.sdk.errors import ConfigError

TOLERANCE_S = 300
PREFIX = "whsec_"
TOKEN_CHARS = 16
"""Of a token in an address; nobody guesses it."""
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
REFUSED = "the caller did not prove who it is"


def refusal(
    config: Any, secrets: Mapping[str, str], headers: Mapping[str, str], body: bytes, remote: str, at: datetime
) -> str:
    """Why a call is not let in; empty when it is.

    Args:
        config: Of the webhook.
        secrets: Of the webhook, in plain text.
        headers: By lower-case name.
        body: As it came.
        remote: The caller's address.
        at: Now.
    """
    if config.allowed_ips and not allowed(config.allowed_ips, remote):
        return "the caller's address is not allowed"
    match config.authentication:
        case "hmac":
            return _signed(secrets, headers, body, at)
        case "basic":
            return basic(secrets, headers)
        case "header":
            return same(headers.get(config.header.lower(), ""), secrets.get("token", ""))
        case "jwt":
            return _token(config.audience, secrets.get("jwt_key", ""), headers)
    return ""


def lacking(asked: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """Which header a call has to carry and does not, as a sentence; empty when all are there."""
    for name, value in asked.items():
        given = headers.get(name.lower())
        if given is None:
            return f"the header '{name}' is missing; this webhook takes calls that carry it"
        if value and not hmac.compare_digest(given.encode(), value.encode()):
            return f"the header '{name}' does not have the value that this webhook asks for"
    return ""


def allowed(networks: list[str], remote: str) -> bool:
    """Whether an address is in one of the networks.

    Raises:
        ConfigError: a network is none.
    """
    judged = _networks(networks)
    try:
        address = ip_address(remote)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return any(address.version == network.version and address in network for network in judged)


def _networks(texts: list[str]) -> list[Any]:
    try:
        return [ip_network(text.strip(), strict=False) for text in texts]
    except ValueError:
        raise ConfigError(
            "an allowed address is neither an address nor a network; write e.g. 203.0.113.0/24", field="allowed_ips"
        ) from None


def check(config: Any, secrets: Mapping[str, str]) -> None:
    """Refuse a webhook or form that could let nobody in, or everybody by mistake.

    Raises:
        ConfigError: a secret that the authentication needs is missing.
    """
    _networks(getattr(config, "allowed_ips", []))
    for name in getattr(config, "headers", {}):
        if not _HEADER.fullmatch(name):
            raise ConfigError(f"'{name}' is no name of a header; write one like X-Event", field="headers")
    needed = {
        "basic": ("username", "password"), "header": ("token",), "token": ("token",), "jwt": ("jwt_key",),
    }  # fmt: skip
    for name in needed.get(config.authentication, ()):
        if not secrets.get(name):
            raise ConfigError(
                f"authentication '{config.authentication}' needs the secret '{name}'; enter it", field=f"secrets.{name}"
            )
    for name in ("signing_key", "previous_signing_key"):
        if secrets.get(name) and _key(secrets[name]) is None:
            raise ConfigError(f"'{name}' is whsec_ and at least 16 bytes of base64", field=f"secrets.{name}")
    if config.authentication == "token" and len(secrets["token"]) < TOKEN_CHARS:
        raise ConfigError(f"a token has at least {TOKEN_CHARS} characters", field="secrets.token")
    if config.authentication == "jwt" and "BEGIN" not in secrets["jwt_key"] and len(secrets["jwt_key"]) < 32:
        raise ConfigError("a shared token key has at least 32 characters", field="secrets.jwt_key")


def sign(key: str, delivery_id: str, timestamp: int, body: bytes) -> str:
    """A signature by Standard Webhooks: `v1,<base64>`.

    Raises:
        ConfigError: the key is none.
    """
    raw = _key(key)
    if raw is None:
        raise ConfigError("a signing key is whsec_ and at least 16 bytes of base64")
    made = hmac.new(raw, f"{delivery_id}.{timestamp}.".encode() + body, sha256).digest()
    return "v1," + b64encode(made).decode()


def _key(text: str) -> bytes | None:
    try:
        raw = b64decode(text.removeprefix(PREFIX), validate=True)
    except (NotBase64, ValueError):
        return None
    return raw if len(raw) >= 16 else None


def _signed(secrets: Mapping[str, str], headers: Mapping[str, str], body: bytes, at: datetime) -> str:
    delivery_id, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "")
    if not (delivery_id and stamp and given):
        return "webhook-id, webhook-timestamp or webhook-signature is missing"
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12):
        return "webhook-timestamp is no number of seconds"
    if abs(at.timestamp() - int(stamp)) > TOLERANCE_S:
        return f"webhook-timestamp is more than {TOLERANCE_S // 60} minutes off"
    offered = [text.encode() for text in given.split(" ")[:10]]
    for name in ("signing_key", "previous_signing_key"):
        if secrets.get(name):
            right = sign(secrets[name], delivery_id, int(stamp), body).encode()
            if sum(hmac.compare_digest(right, one) for one in offered):
                return ""
    return REFUSED


def basic(secrets: Mapping[str, str], headers: Mapping[str, str]) -> str:
    """Why a user name and password are not the right ones; empty when they are."""
    scheme, _, text = headers.get("authorization", "").partition(" ")
    try:
        given = b64decode(text.strip(), validate=True)
    except (NotBase64, ValueError):
        return REFUSED
    right = f"{secrets.get('username', '')}:{secrets.get('password', '')}".encode()
    return "" if hmac.compare_digest(given, right) and scheme.lower() == "basic" else REFUSED


def same(given: str, right: str) -> str:
    """Why a secret is not the right one; empty when it is."""
    return "" if right and hmac.compare_digest(given.encode(), right.encode()) else REFUSED


def _token(audience: str, key: str, headers: Mapping[str, str]) -> str:
    import jwt

    scheme, _, token = headers.get("authorization", "").partition(" ")
    algorithms = ["RS256", "ES256", "EdDSA"] if "BEGIN" in key else ["HS256"]
    if scheme.lower() != "bearer" or not key:
        return REFUSED
    try:
        jwt.decode(token.strip(), key, algorithms=algorithms, audience=audience or None,
                   options={"require": ["exp"], "verify_aud": bool(audience)})  # fmt: skip
    except (jwt.PyJWTError, ValueError, TypeError):
        return REFUSED
    return ""
