"""Who calls: a bearer token, an API key, or the cookie of a browser."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from headrace.accounts import api_keys, sign_in
from headrace.accounts.permissions import Actor
from headrace.sdk.errors import Unauthenticated
from litestar.connection import ASGIConnection

from headrace_web.security.address import client_address
from headrace_web.services import Services

COOKIE = "headrace_session"
KEY_HEADER = "x-api-key"


async def authenticate(services: Services, connection: ASGIConnection[Any, Any, Any, Any]) -> tuple[Actor, bool]:
    """The actor, and whether a cookie said so. A key or a bearer token wins over a cookie.

    Raises:
        Unauthenticated: neither is there, or it is not valid.
    """
    header = connection.headers.get("authorization")
    if header is not None:
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("send the access token as `Authorization: Bearer <token>`")
        if token.strip().startswith(api_keys.PREFIX):
            return await _by_key(services, connection, token.strip()), False
        async with services.database.transaction() as session:
            return await sign_in.actor_by_token(session, services.signer, token.strip()), False
    key = connection.headers.get(KEY_HEADER)
    if key is not None:
        return await _by_key(services, connection, key.strip()), False
    cookie = connection.cookies.get(COOKIE)
    if not cookie:
        raise Unauthenticated("you are not signed in; sign in first")
    async with services.database.transaction() as session:
        return await sign_in.actor_by_cookie(session, cookie), True


def shown(connection: ASGIConnection[Any, Any, Any, Any]) -> bytes:
    """A digest of what the caller shows, valid or not; nothing of it is asked anywhere."""
    header = connection.headers.get("authorization")
    if header is not None:
        what = header.partition(" ")[2].strip()
    else:
        what = connection.headers.get(KEY_HEADER) or connection.cookies.get(COOKIE) or ""
    return blake2b(what.encode("utf-8", "surrogatepass"), digest_size=16).digest()


async def _by_key(services: Services, connection: ASGIConnection[Any, Any, Any, Any], key: str) -> Actor:
    if not api_keys.well_formed(key):
        raise Unauthenticated("the API key is not valid; use another one")
    async with services.database.transaction() as session:
        return await api_keys.actor_by_key(session, key, ip_address=client_address(connection))


async def actor_again(services: Services, actor: Actor) -> Actor:
    """The same caller with the rights of now, for an answer that takes long.

    Raises:
        Unauthenticated: the sign-in or the key has ended.
    """
    async with services.database.transaction() as session:
        if actor.session_id is None:
            return await api_keys.actor_again(session, actor)
        return await sign_in.actor_by_session(session, actor.organization_id, actor.session_id)


async def maybe_actor(services: Services, connection: ASGIConnection[Any, Any, Any, Any]) -> Actor | None:
    """The actor of a page that also shows itself to strangers."""
    try:
        actor, _ = await authenticate(services, connection)
    except Unauthenticated:
        return None
    return actor
