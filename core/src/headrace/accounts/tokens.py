"""Tokens: signed access tokens, and opaque session tokens of which only the hash is stored."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from uuid import UUID

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Struct

from headrace.infra.clock import now
from headrace.infra.crypto import KeyRing
from headrace.sdk.errors import Unauthenticated

ACCESS_S = 30 * 60
_TYPE = "at+jwt"
_REQUIRED = ("typ", "iss", "aud", "sub", "org", "sid", "sv", "jti", "iat", "nbf", "exp")
_ONE_SPELLING = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]")
"""No padding, and no bits after the signature's last: a token is written in one way."""
_ISSUER = "headrace"
_AUDIENCE = "headrace-api"

REFRESH = "hrr_"
COOKIE = "hrs_"


class Claims(Struct, frozen=True):
    """What a valid access token says."""

    user_id: UUID
    organization_id: UUID
    session_id: UUID
    session_version: str


class _Payload(Struct, frozen=True):
    typ: str
    sub: UUID
    org: UUID
    sid: UUID
    sv: str
    jti: str
    iat: int
    nbf: int
    exp: int


class Signer:
    """Signs and checks access tokens with Ed25519 keys derived from the master keys, so that all processes agree.

    Tokens of an older master key stay valid while it is in the ring.
    """

    def __init__(self, ring: KeyRing) -> None:
        self.ring = ring
        self._ids: tuple[str, ...] = ()
        self._keys: dict[str, Ed25519PrivateKey] = {}

    def _now(self) -> dict[str, Ed25519PrivateKey]:
        """Keys by id, the one that signs first.

        Raises:
            Sealed: there is no master key.
        """
        ids = self.ring.key_ids
        if not ids or ids != self._ids:
            derived = self.ring.derive("access-token")
            self._keys = {f"a{kid}": Ed25519PrivateKey.from_private_bytes(raw) for kid, raw in derived.items()}
            self._ids = tuple(derived)
        return self._keys

    def issue(self, claims: Claims) -> str:
        """Sign an access token valid for 30 minutes."""
        at = int(now().timestamp())
        payload = {
            "typ": "access",
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "sub": str(claims.user_id),
            "org": str(claims.organization_id),
            "sid": str(claims.session_id),
            "sv": claims.session_version,
            "jti": secrets.token_urlsafe(16),
            "iat": at,
            "nbf": at,
            "exp": at + ACCESS_S,
        }
        kid, key = next(iter(self._now().items()))
        return jwt.encode(payload, key, algorithm="EdDSA", headers={"typ": _TYPE, "kid": kid})

    def verify(self, token: str) -> Claims:
        """Check signature, type, times and every claim.

        Raises:
            Unauthenticated: always the same sentence, whatever is wrong.
            Sealed: there is no master key.
        """
        try:
            return self._verified(token)
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, TypeError, KeyError):
            raise Unauthenticated("the access token is not valid; sign in again") from None

    def _verified(self, token: str) -> Claims:
        if not _ONE_SPELLING.fullmatch(token):
            raise ValueError
        header = jwt.get_unverified_header(token)
        if header.get("typ") != _TYPE or set(header) != {"typ", "kid", "alg"}:
            raise ValueError
        payload = jwt.decode(
            token,
            self._now()[header["kid"]].public_key(),
            algorithms=["EdDSA"],
            audience=_AUDIENCE,
            issuer=_ISSUER,
            options={"require": list(_REQUIRED), "strict_aud": True, "verify_exp": False, "verify_nbf": False,
                     "verify_iat": False},
        )  # fmt: skip
        said = msgspec.convert(payload, _Payload)
        if not said.nbf - 5 <= now().timestamp() < said.exp or said.exp - said.iat != ACCESS_S or said.typ != "access":
            raise ValueError
        return Claims(said.sub, said.org, said.sid, said.sv)


class SessionToken(Struct, frozen=True):
    """An opaque token: where to look, and 256 random bits. Only `digest` is stored."""

    prefix: str
    organization_id: UUID
    session_id: UUID
    secret: bytes

    @classmethod
    def new(cls, prefix: str, organization_id: UUID, session_id: UUID) -> SessionToken:
        """A fresh one."""
        return cls(prefix, organization_id, session_id, secrets.token_bytes(32))

    @classmethod
    def parse(cls, text: object, prefix: str) -> SessionToken | None:
        """Read one of this type; anything else is None."""
        if not isinstance(text, str) or not text.startswith(prefix) or len(text) != len(prefix) + 86:
            return None
        try:
            raw = base64.b64decode(text[len(prefix) :] + "==", altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        token = cls(prefix, UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:])
        return token if token.text == text else None

    @property
    def text(self) -> str:
        """What the client keeps."""
        raw = self.organization_id.bytes + self.session_id.bytes + self.secret
        return self.prefix + base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    @property
    def digest(self) -> bytes:
        """What the database keeps."""
        return hashlib.sha256(self.text.encode()).digest()

    def __repr__(self) -> str:
        return f"SessionToken({self.prefix}***)"


def digest(text: str) -> bytes:
    """Hash of a random token; it has 256 bits, so that a fast hash is enough."""
    return hashlib.sha256(text.encode()).digest()
