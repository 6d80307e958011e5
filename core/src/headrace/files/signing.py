"""Signed addresses: a token says which file of whom may be taken or sent, and until when. It needs no sign-in."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID

from msgspec import Struct

from headrace.infra.clock import now
from headrace.infra.crypto import KeyRing
from headrace.sdk.errors import Denied, ServiceError

Method = Literal["GET", "PUT"]
GOOD_FOR: dict[Method, timedelta] = {"GET": timedelta(minutes=5), "PUT": timedelta(minutes=60)}
"""From when it is given to when it is used; a transfer that has begun may last longer."""


class Expired(ServiceError):
    """It was good, and its time is over."""

    code = "EXPIRED"
    status = 410


class Token(Struct, frozen=True):
    """A token and its end."""

    text: str
    expires_at: datetime


def sign(ring: KeyRing, method: Method, organization_id: UUID, file_id: UUID) -> Token:
    """A token for one method of one file.

    Raises:
        Sealed: there is no master key.
    """
    expires = int((now() + GOOD_FOR[method]).timestamp())
    mark = _marks(ring, method, organization_id, file_id, expires)[0]
    return Token(f"{organization_id.hex}.{expires}.{mark}", datetime.fromtimestamp(expires, tz=now().tzinfo))


def check(ring: KeyRing, method: Method, file_id: UUID, token: str) -> UUID:
    """The organization whose file it is; every part of the token is judged together, in constant time.

    Raises:
        Denied: we have not signed this.
        Expired: we have, for a time that is over.
    """
    whose, _, rest = token.partition(".")
    until, _, mark = rest.partition(".")
    try:
        organization_id, expires = UUID(hex=whose), int(until)
    except ValueError:
        raise _unsigned() from None
    marks = _marks(ring, method, organization_id, file_id, expires)
    good = [hmac.compare_digest(mark.encode(), one.encode()) for one in marks]
    if not any(good):
        raise _unsigned()
    if expires <= now().timestamp():
        raise Expired("this address of a file was good for a short time, which is over; ask for a new one")
    return organization_id


def _marks(ring: KeyRing, method: Method, organization_id: UUID, file_id: UUID, expires: int) -> list[str]:
    """By each key of the ring, the present one first."""
    text = f"{method}|{organization_id}|{file_id}|{expires}".encode()
    return [hmac.new(key, text, sha256).hexdigest() for key in ring.derive("files").values()]


def _unsigned() -> Denied:
    return Denied("this address of a file is not one that we gave, or was changed; ask for a new one")
