"""What a provider publishes: its addresses and its keys, read through the door, kept for minutes."""

from __future__ import annotations

import threading
import time
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import jwt
import msgspec
from headrace.sdk import ConfigError, SignInRefused
from headrace.sdk.egress_http import EgressClient
from msgspec import Struct

KEEP_S = 600.0
RENEW_S = 5.0
"""A key that is not known has the keys read again, at most so often."""
DOCUMENT_BYTES = 512 * 1024
DEADLINE_S = 10.0
RSA_BITS = 2048
_KINDS = {"RS256": "RSA", "ES256": "EC"}
ALGORITHMS = tuple(_KINDS)


class Discovered(Struct, frozen=True):
    """The part of a discovery document that is used."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class _Kept(Struct):
    value: Any
    read_at: float


_kept: dict[str, _Kept] = {}
_lock = threading.Lock()


def client() -> EgressClient:
    """A client whose answers are small and soon there."""
    return EgressClient(answer_bytes=DOCUMENT_BYTES, deadline_s=DEADLINE_S)


def discover(issuer: str) -> Discovered:
    """The provider's addresses.

    Raises:
        ConfigError: the document is missing, of another issuer, or has an address without https.
        TransientError: it does not answer.
    """
    found: Discovered = _fresh(f"d|{issuer}", lambda: _discover(issuer), KEEP_S)
    return found


def key_of(found: Discovered, header: dict[str, Any]) -> tuple[jwt.PyJWK, str]:
    """The provider's key for a token's header, and the algorithm that goes with it.

    Raises:
        SignInRefused: the algorithm is not one of ours or not that of the key, or there is no such key.
    """
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in _KINDS or (kid is not None and not isinstance(kid, str)):
        raise _refused(f"the token is signed with {algorithm!r}; RS256 and ES256 are taken")
    for most_s in (KEEP_S, RENEW_S):
        keys = _fresh(f"k|{found.jwks_uri}", lambda: _keys(found.jwks_uri), most_s)
        fitting = [
            key for key in keys if _fits(key, _KINDS[algorithm], algorithm) and (kid is None or key.get("kid") == kid)
        ]
        if fitting:
            break
    if len(fitting) != 1:
        raise _refused("the provider publishes no key, or several, that the token may be signed with")
    try:
        return jwt.PyJWK(fitting[0], algorithm), algorithm
    except jwt.PyJWTError as error:
        raise _refused(f"the provider's key cannot be used: {type(error).__name__}") from None


def require_https(url: str, what: str) -> str:
    """An address by https; of this machine http is enough.

    Raises:
        ConfigError: otherwise.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ConfigError(f"the {what} is no address; correct it", field="issuer") from None
    if not host or parts.scheme not in {"http", "https"} or (parts.scheme == "http" and not _is_loopback(host)):
        raise ConfigError(f"the {what} must begin with https://", field="issuer")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fresh(name: str, read: Any, most_s: float) -> Any:
    """What was read at most `most_s` ago; else it is read."""
    with _lock:
        kept = _kept.get(name)
        if kept is not None and time.monotonic() - kept.read_at < most_s:
            return kept.value
    value = read()
    with _lock:
        if len(_kept) > 1_000:
            _kept.clear()
        _kept[name] = _Kept(value, time.monotonic())
    return value


def _discover(issuer: str) -> Discovered:
    require_https(issuer, "issuer")
    document = _document(f"{issuer.rstrip('/')}/.well-known/openid-configuration", "discovery document")
    try:
        found = msgspec.convert(document, Discovered)
    except msgspec.ValidationError as error:
        raise ConfigError(f"the discovery document of the issuer does not fit: {error}", field="issuer") from None
    if found.issuer != issuer:
        raise ConfigError(
            "the discovery document is of another issuer; write it exactly as the provider does",
            detail=found.issuer[:200], field="issuer",
        )  # fmt: skip
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        require_https(getattr(found, name), f"{name} of the provider")
    if found.userinfo_endpoint:
        require_https(found.userinfo_endpoint, "userinfo_endpoint of the provider")
    return found


def _keys(url: str) -> list[dict[str, Any]]:
    document = _document(url, "key set")
    keys = document.get("keys") if isinstance(document, dict) else None
    return [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []


def _fits(key: dict[str, Any], kind: str, algorithm: str) -> bool:
    """A public key of this kind, for signatures; never a shared secret."""
    return (
        key.get("kty") == kind
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kind != "EC" or key.get("crv") == "P-256")
        and (kind != "RSA" or len(str(key.get("n", ""))) * 6 >= RSA_BITS - 8)
    )


def _document(url: str, what: str) -> Any:
    door = client()
    try:
        answer = door.request("GET", url, headers={"Accept": "application/json"})
    finally:
        door.close()
    if answer.status != 200:
        raise ConfigError(f"the {what} of the issuer is not there (status {answer.status})", field="issuer")
    try:
        return msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        raise ConfigError(f"the {what} of the issuer is no JSON", field="issuer") from None


def _refused(detail: str) -> SignInRefused:
    return SignInRefused("the provider's answer is not accepted; try again, or tell your admin", detail=detail)
