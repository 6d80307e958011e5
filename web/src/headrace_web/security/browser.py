"""Requests that a foreign page makes a browser send: refused by Origin, by Fetch Metadata and by a token."""

from __future__ import annotations

import hmac
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from headrace.accounts.permissions import Actor
from headrace.sdk.errors import Denied
from litestar.connection import ASGIConnection

from headrace_web.services import Services

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADER = "x-csrf-token"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_NEAR = (".localhost", ".local", ".lan", ".internal", ".home.arpa")
"""Ends of names that nobody can register, so that no page of the internet has one."""


def check_browser(services: Services, connection: ASGIConnection[Any, Any, Any, Any], actor: Actor) -> None:
    """Go on only when a change by cookie comes from our own page.

    Raises:
        Denied: a foreign origin, or no token of this sign-in.
    """
    if connection.scope.get("method") in SAFE:
        return
    check_origin(services, connection)
    given = connection.headers.get(HEADER, "")
    right = [
        hmac.compare_digest(given.encode(), one.encode()) for one in services.marks(str(actor.session_id).encode())
    ]
    if not any(right):
        raise Denied("the CSRF token is missing or of another sign-in; load the page again", header="X-CSRF-Token")


def check_origin(services: Services, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    """Go on unless a browser says that a foreign page sends this change.

    Raises:
        Denied: it does.
    """
    if connection.scope.get("method") in SAFE:
        return
    origin = connection.headers.get("origin")
    cross = connection.headers.get("sec-fetch-site") == "cross-site"
    if (origin is not None or cross) and not own_origin(services, origin or "", connection.headers.get("host", "")):
        raise Denied(_foreign(services, origin or "", connection.headers.get("host", "")))


def _foreign(services: Services, origin: str, host: str) -> str:
    """What to do, said to somebody who opened our own page by a name that it does not sign in by."""
    public = services.settings.public_url
    if public and origin.lower() in {f"http://{host.lower()}", f"https://{host.lower()}"}:
        return f"{origin} is not the address of this service; open {public} and sign in there"
    return "this request comes from a page of another site; set HEADRACE_PUBLIC_URL if it is yours"


def own_origin(services: Services, origin: str, host: str) -> bool:
    """Whether a page of this origin is ours: configured exactly, or named as the request's own host is.

    The second counts for loopback addresses, and where no public address is set for a name of the local network: the
    service then listens on this machine only, and the browser comes through a tunnel or a mapped port.
    """
    if origin.lower() in services.origins:
        return True
    try:
        parts = urlsplit(origin)
        name = parts.hostname
    except ValueError:
        return False
    same = origin.lower() == f"http://{host.lower()}"
    near = name in _LOOPBACK or (not services.settings.public_url and is_near(name or ""))
    return parts.scheme == "http" and near and same


def is_near(name: str) -> bool:
    """Whether a host is of the local network: a private address, a name without a dot, or one with a reserved end."""
    try:
        return ip_address(name).is_private
    except ValueError:
        return bool(name) and ("." not in name or name.endswith(_NEAR))
