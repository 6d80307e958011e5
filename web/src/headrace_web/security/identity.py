"""Who calls: a bearer token, or the cookie of a browser."""

from __future__ import annotations

from typing import Any

from headrace.accounts import sign_in
from headrace.accounts.permissions import Actor
from headrace.sdk.errors import Unauthenticated
from litestar.connection import ASGIConnection

from headrace_web.services import Services

COOKIE = "headrace_session"


async def authenticate(services: Services, connection: ASGIConnection[Any, Any, Any, Any]) -> tuple[Actor, bool]:
    """The actor, and whether a cookie said so. A bearer token wins over a cookie.

    Raises:
        Unauthenticated: neither is there, or it is not valid.
    """
    header = connection.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("send the access token as `Authorization: Bearer <token>`")
        async with services.database.transaction() as session:
            return await sign_in.actor_by_token(session, services.signer, token.strip()), False
    cookie = connection.cookies.get(COOKIE)
    if not cookie:
        raise Unauthenticated("you are not signed in; sign in first")
    async with services.database.transaction() as session:
        return await sign_in.actor_by_cookie(session, cookie), True


async def maybe_actor(services: Services, connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    """The actor of a page that also shows itself to strangers."""
    try:
        actor, _ = await authenticate(services, connection)
    except Unauthenticated:
        return None
    return actor
